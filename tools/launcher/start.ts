// `npm start`: builds if the sources changed, then runs the stack until it is told to stop.

import { print } from '../lib/terminal.ts'
import { buildIfChanged } from './build.ts'
import { runUntilTold } from './command.ts'
import { loadSettings } from './settings.ts'
import { startStack } from './stack/stack.ts'
import { builtReplica } from './stack/stack-options.ts'

await runUntilTold(async signal => {
  const settings = loadSettings(print)
  const prepare = () => buildIfChanged(print, signal)
  return startStack({ ...settings, prepare, replica: builtReplica(process.env), report: print, signal })
})
