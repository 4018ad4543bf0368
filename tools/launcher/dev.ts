// `npm run dev`: the same stack from the sources as they are, with Next's hot reload.

import { print } from '../lib/terminal.ts'
import { runUntilTold } from './command.ts'
import { loadSettings } from './settings.ts'
import { startStack } from './stack/stack.ts'
import { sourceReplica } from './stack/stack-options.ts'

await runUntilTold(async signal => {
  const settings = loadSettings(print)
  // Next's development server allows one process a project.
  const replica = sourceReplica({ ...process.env, HTTP_HOST: settings.host })
  // A debugger may hold it for as long as it likes.
  return startStack({ ...settings, replicas: 1, replica, hungAfterMs: null, report: print, signal })
})
