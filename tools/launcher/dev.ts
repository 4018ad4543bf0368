// `npm run dev`: runs the stack from the sources, with Next's hot reload.

import { print } from '../lib/terminal.ts'
import { runUntilSignal } from './command.ts'
import { loadSettings } from './settings.ts'
import { startStack } from './stack/stack.ts'
import { sourceReplica } from './stack/stack-options.ts'

await runUntilSignal(async signal => {
  const settings = loadSettings(print)
  // Next allows one development server per project.
  const replica = sourceReplica({ ...process.env, HTTP_HOST: settings.host })
  // hungAfterMs: null, because a debugger may pause the replica.
  return startStack({ ...settings, replicas: 1, replica, hungAfterMs: null, report: print, signal })
})
