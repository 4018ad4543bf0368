// `npm start`: builds if the sources have changed, then runs the stack until a signal stops it.
// `npm run dev` (start.ts dev): runs the stack from the sources, with Next's hot reload.

import { print } from '../lib/terminal.ts'
import { runUntilSignal } from './command.ts'
import { loadSettings } from './settings.ts'
import { buildIfChanged } from './stack/build.ts'
import { startStack } from './stack/stack.ts'
import { builtReplica, type StackOptions, sourceReplica } from './stack/stack-options.ts'

type Settings = ReturnType<typeof loadSettings>

/** How the replicas run, from the build or from the sources */
type Replicas = Pick<StackOptions, 'prepare' | 'replica'> & Partial<StackOptions>

const fromBuild = (signal: AbortSignal): Replicas => ({
  prepare: () => buildIfChanged(print, signal),
  replica: builtReplica(process.env),
})

const fromSources = ({ host }: Settings): Replicas => ({
  replica: sourceReplica({ ...process.env, HTTP_HOST: host }),
  replicas: 1, // Next allows one development server per project.
  hungAfterMs: null, // A debugger may pause the replica.
})

await runUntilSignal(async signal => {
  const settings = loadSettings(print)
  const replicas = process.argv[2] === 'dev' ? fromSources(settings) : fromBuild(signal)
  return startStack({ ...settings, ...replicas, report: print, signal })
})
