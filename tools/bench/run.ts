// `npm run bench`: see README.md here. What it found goes to standard output: tables, or with --json a line of JSON.
// --short only shows that all of it works.
import { buildIfChanged } from '../launcher/build-if-changed.ts'
import { StackFailure } from '../lib/stack-failure.ts'
import { compare } from './compare.ts'
import { contendersTable } from './contenders-table.ts'
import { benchCommand } from './harness/bench-command.ts'
import { findFaults } from './harness/find-faults.ts'
import { machineText } from './harness/machine-text.ts'
import { parseOptions } from './harness/options.ts'
import { ratiosOf } from './harness/ratios.ts'
import { say } from './harness/say.ts'
import { measureTargets } from './measure-targets.ts'
import { ratioTargets } from './ratio-targets.ts'
import { targetsTable } from './targets-table.ts'

const { extent, json } = parseOptions(process.argv.slice(2))

await benchCommand(async ground => {
  await buildIfChanged(say, ground.site.signal)
  const contenders = await compare(ground, extent)
  const ratios = ratiosOf(contenders)
  const targets = [...ratioTargets(ratios), ...(await measureTargets(ground, extent))]
  const machine = await machineText()
  if (json) console.log(JSON.stringify({ machine, contenders, targets, ratios }))
  else console.log([machine, contendersTable(contenders), targetsTable(targets)].join('\n\n'))

  const faults = findFaults(contenders)
  if (faults.length > 0) throw new StackFailure(`this comparison is worth nothing: ${faults.join('; ')}`)
})
