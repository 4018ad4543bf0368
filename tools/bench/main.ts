// `npm run bench`: see README.md here. What it found goes to standard output: tables, or with --json a line of JSON.
// --short only shows that all of it works.

import { UserError } from '../../web/server/errors.ts'
import { buildIfChanged } from '../launcher/build.ts'
import { entryOf, startContender } from './contenders/contender.ts'
import { board, buildNaiveNext, flask, limitOf, naiveNext } from './contenders/entrants.ts'
import { takeSample } from './contenders/page-sample.ts'
import { startStaticFile } from './contenders/static-file.ts'
import { getAsBrowser, runWrk } from './harness/load.ts'
import { type Extent, parseBenchOptions } from './harness/options.ts'
import { machineText, markdownTable, say } from './harness/report.ts'
import {
  findFaults,
  loadHead,
  loadRow,
  ratiosOf,
  type Summary,
  summarise,
  takeTurns,
} from './harness/rounds.ts'
import { benchCommand, type Testbed } from './harness/testbed.ts'
import { measureTargets, ratioTargets, type Target } from './targets.ts'

const names: Record<string, string> = {
  board: 'Balance Board',
  board_with_cookie: 'Balance Board, visitors with a cookie',
  flask: 'Flask behind gunicorn',
  naive_next: 'Next, a dynamic page',
  limit: 'the limit: nothing made',
  static_file: 'NGINX alone, a file',
}

function contendersTable(summaries: Summary[]): string {
  return markdownTable(
    ['contender', ...loadHead],
    summaries.map(found => loadRow(names[found.name] ?? found.name, found)),
  )
}

function targetsTable(targets: Target[]): string {
  return markdownTable(
    ['target', 'asked', 'found', 'met'],
    targets.map(({ what, asked, found, met }) => [what, asked, found, met ? 'yes' : 'no']),
  )
}

/** The board beside its peers and its limit, all running at once and loaded in turns; then all are stopped. */
async function compare(ground: Testbed, extent: Extent): Promise<Summary[]> {
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

const { extent, json } = parseBenchOptions(process.argv.slice(2))

await benchCommand(async ground => {
  await buildIfChanged(say, ground.site.signal)
  const contenders = await compare(ground, extent)
  const ratios = ratiosOf(contenders)
  const targets = [...ratioTargets(ratios), ...(await measureTargets(ground, extent))]
  const machine = await machineText()
  if (json) console.log(JSON.stringify({ machine, contenders, targets, ratios }))
  else console.log([machine, contendersTable(contenders), targetsTable(targets)].join('\n\n'))

  const faults = findFaults(contenders)
  if (faults.length > 0) throw new UserError(`this comparison is worth nothing: ${faults.join('; ')}`)
})
