import { print } from './terminal.ts'

/** Aborted when this process is told to stop: by Ctrl-C, by SIGTERM, by Ctrl-\, or by the terminal closing. */
export function tellOnSignals(): AbortSignal {
  const told = new AbortController()
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'] as const) {
    process.on(name, () => {
      if (!told.signal.aborted) print('stop', 'stopping in order …')
      told.abort()
    })
  }
  return told.signal
}
