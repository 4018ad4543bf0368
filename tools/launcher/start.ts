// `npm start`: builds if the sources changed, then runs the stack until it is told to stop.

import { print } from '../lib/terminal.ts'
import { buildIfChanged } from './build-if-changed.ts'
import { loadSettings } from './load-settings.ts'
import { runUntilTold } from './run-until-told.ts'
import { builtReplica } from './stack/replica-program.ts'
import { startStack } from './stack/stack.ts'

await runUntilTold(async signal => {
  const settings = loadSettings(print)
  const prepare = () => buildIfChanged(print, signal)
  return startStack({ ...settings, prepare, replica: builtReplica(process.env), report: print, signal })
})
