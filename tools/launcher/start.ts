// `npm start`: builds if the sources have changed, then runs the stack until a signal stops it.

import { print } from '../lib/terminal.ts'
import { buildIfChanged } from './build.ts'
import { runUntilSignal } from './command.ts'
import { loadSettings } from './settings.ts'
import { startStack } from './stack/stack.ts'
import { builtReplica } from './stack/stack-options.ts'

await runUntilSignal(async signal => {
  const settings = loadSettings(print)
  const prepare = () => buildIfChanged(print, signal)
  return startStack({ ...settings, prepare, replica: builtReplica(process.env), report: print, signal })
})
