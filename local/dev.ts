// `npm run dev`: the same stack from the sources as they are, with Next's hot reload.
import { loadSettings } from './load-settings.ts'
import { sourceReplica } from './parts/replica-program.ts'
import { runUntilTold } from './run-until-told.ts'
import { startStack } from './stack.ts'
import { print } from './terminal.ts'

await runUntilTold(async signal => {
  const settings = loadSettings(print)
  // Next's development server allows one process a project.
  const replica = sourceReplica(process.env)
  // A debugger may hold it for as long as it likes.
  return startStack({ ...settings, replicas: 1, replica, hungAfterMs: null, report: print, signal })
})
