import { board } from './contenders/board.ts'
import { entryOf } from './contenders/entry-of.ts'
import { flask } from './contenders/flask.ts'
import { limitOf } from './contenders/limit.ts'
import { buildNaiveNext, naiveNext } from './contenders/naive-next.ts'
import { startContender } from './contenders/start-contender.ts'
import { startStaticFile } from './contenders/static-file.ts'
import { takeSample } from './contenders/take-sample.ts'
import { getAsBrowser } from './harness/get-as-browser.ts'
import type { Ground } from './harness/ground.ts'
import type { Extent } from './harness/options.ts'
import { runWrk } from './harness/run-wrk.ts'
import { type Summary, summarise } from './harness/summary.ts'
import { takeTurns } from './harness/take-turns.ts'

/** The board beside its peers and its limit, all running at once and loaded in turns; then all are stopped. */
export async function compare(ground: Ground, extent: Extent): Promise<Summary[]> {
  const { signal } = ground.site
  await buildNaiveNext(signal)
  const ours = await startContender(ground, board)
  const peers = [await startContender(ground, flask), await startContender(ground, naiveNext)]
  // Only now is the page as long as it will be: its log is full.
  await runWrk(ours.url, { connections: 64, seconds: 1 }, signal)
  const [first] = ours.servers
  if (!first) throw new Error('the board runs without a server')
  const limit = await startContender(ground, await limitOf(ground, await takeSample(first.address)))
  const file = await startStaticFile(ground, await getAsBrowser(ours.url))

  const entries = [
    entryOf(ours),
    entryOf(ours, { name: 'board_with_cookie', cookies: true }),
    ...peers.map(peer => entryOf(peer)),
    entryOf(limit),
    file,
  ]
  const { rounds, seconds, connections } = extent
  // A round that does not count: a start is slower than what follows.
  await takeTurns(entries, 1, { connections, seconds }, ground)
  const found = await takeTurns(entries, rounds, { connections, seconds }, ground)
  for (const contender of [ours, ...peers, limit]) await contender.stop()
  return found.map(({ name, runs }) => summarise(name, runs))
}
