// `npm start`: builds if the sources changed, then runs the stack until it is told to stop.
import { buildIfChanged } from './build/build-if-changed.ts'
import { loadSettings } from './load-settings.ts'
import { builtReplica } from './parts/replica-program.ts'
import { runUntilTold } from './run-until-told.ts'
import { startStack } from './stack.ts'
import { print } from './terminal.ts'

await runUntilTold(async signal => {
  const settings = loadSettings(print)
  const prepare = () => buildIfChanged(print, signal)
  return startStack({ ...settings, prepare, replica: builtReplica(process.env), report: print, signal })
})
