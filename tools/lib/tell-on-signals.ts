import { print } from './terminal.ts'

/**
 * Aborted when this process is told to stop: by Ctrl-C, by SIGTERM, by Ctrl-\, or by the terminal closing.
 * SIGUSR1 and SIGUSR2 do nothing: Node would open its debugger, or end and leave all parts running.
 */
export function tellOnSignals(): AbortSignal {
  const told = new AbortController()
  for (const name of ['SIGUSR1', 'SIGUSR2'] as const) process.on(name, () => {})
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'] as const) {
    process.on(name, () => {
      if (!told.signal.aborted) print('stop', 'stopping in order …')
      told.abort()
    })
  }
  return told.signal
}
