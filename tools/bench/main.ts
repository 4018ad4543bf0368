// `npm run bench`: compares the board with other contenders and measures its targets, see README.md. Prints tables to
// standard output, or one line of JSON with --json. --short only checks that everything works.
// contenders/ starts what is compared, harness/ has the testbed, the load and the rounds, targets.ts and dashboards/ measure
// the other targets. growth.ts, page/ and explain.ts are separate commands.

import { UserError } from '../../web/server/errors.ts'
import { buildIfChanged } from '../launcher/stack/build.ts'
import {
  board,
  buildNaiveNext,
  entryOf,
  flask,
  limitOf,
  naiveNext,
  samplePage,
  startContender,
  startStaticFile,
} from './contenders/contender.ts'
import { benchCommand, type Testbed } from './harness/database.ts'
import { getAsBrowser } from './harness/load.ts'
import { type Extent, parseBenchOptions } from './harness/options.ts'
import { machineText, markdownTable, say } from './harness/report.ts'
import {
  findFaults,
  loadHead,
  loadRow,
  ratiosOf,
  type Summary,
  summarise,
  summaryOf,
  takeTurns,
} from './harness/rounds.ts'
import { comparisonTargets, measureTargets, type Target } from './targets.ts'

const names: Record<string, string> = {
  board: 'Balance Board',
  board_with_cookie: 'Balance Board, visitors with a cookie',
  flask: 'Flask behind gunicorn',
  naive_next: 'Next, a dynamic page',
  limit: 'the limit: nothing rendered',
  static_file: 'NGINX alone, a file',
}

function contendersTable(summaries: Summary[]): string {
  return markdownTable(
    ['contender', ...loadHead],
    summaries.map(summary => loadRow(names[summary.name] ?? summary.name, summary)),
  )
}

function targetsTable(targets: Target[]): string {
  return markdownTable(
    ['target', 'required', 'found', 'met'],
    targets.map(({ what, required, found, met }) => [what, required, found, met ? 'yes' : 'no']),
  )
}

/** Runs the board, its peers and its limit at the same time, loads one at a time, then stops all. */
async function compare(testbed: Testbed, extent: Extent): Promise<Summary[]> {
  const { signal } = testbed
  await buildNaiveNext(signal)
  const ours = await startContender(testbed, board)
  const peers = [await startContender(testbed, flask), await startContender(testbed, naiveNext)]
  const limit = await startContender(testbed, await limitOf(testbed, await samplePage(ours, signal)))
  const file = await startStaticFile(testbed, await getAsBrowser(ours.url))

  const entries = [
    entryOf(ours),
    entryOf(ours, { name: 'board_with_cookie', cookies: true }),
    ...peers.map(peer => entryOf(peer)),
    entryOf(limit),
    file,
  ]
  const { rounds, seconds, connections } = extent
  // A warm-up round that does not count.
  await takeTurns(entries, 1, { connections, seconds }, testbed)
  const results = await takeTurns(entries, rounds, { connections, seconds }, testbed)
  for (const contender of [ours, ...peers, limit]) await contender.stop()
  return results.map(({ name, runs }) => summarise(name, runs))
}

const { extent, json } = parseBenchOptions(process.argv.slice(2))

await benchCommand(async testbed => {
  await buildIfChanged(say, testbed.signal)
  const contenders = await compare(testbed, extent)
  const ratios = ratiosOf(contenders)
  const ours = summaryOf('board', contenders)
  const targets = [...comparisonTargets(ratios, ours), ...(await measureTargets(testbed, extent))]
  const machine = await machineText()
  if (json) console.log(JSON.stringify({ machine, contenders, targets, ratios }))
  else console.log([machine, contendersTable(contenders), targetsTable(targets)].join('\n\n'))

  const faults = findFaults(contenders)
  if (faults.length > 0) throw new UserError(`this comparison is invalid: ${faults.join('; ')}`)
})
