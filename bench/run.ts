// `npm run bench`: see README.md here. What it found goes to standard output: tables, or with --json a line of JSON.
// --short only shows that all of it works.
import { buildIfChanged } from '../local/build/build-if-changed.ts'
import { StackFailure } from '../local/stack-failure.ts'
import { benchCommand } from './bench-command.ts'
import { compare } from './compare.ts'
import { parseOptions } from './options.ts'
import { contendersTable } from './report/contenders-table.ts'
import { machineText } from './report/machine-text.ts'
import { targetsTable } from './report/targets-table.ts'
import { findFaults } from './rounds/find-faults.ts'
import { ratiosOf } from './rounds/ratios.ts'
import { say } from './say.ts'
import { measureTargets } from './targets/measure-targets.ts'
import { ratioTargets } from './targets/ratio-targets.ts'

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
