import { DockerFailed } from '../../deploy/compose/docker.ts'
import { UserError } from '../../web/server/errors.ts'
import { abortOnSignals, outliveTerminal, print, saySentences } from '../lib/terminal.ts'
import { loadDataDir } from './settings.ts'
import { dataDirAt, readStackFile, type StackFile } from './stack/data-dir.ts'
import type { Stack } from './stack/stack.ts'

/** What a command runs. `name` is what is at its address; default: the board. */
type Running = Pick<Stack, 'url' | 'stop'> & { name?: string; adminToken?: string }

/**
 * Starts a stack or what runs beside it, prints its address, and stops it on Ctrl-C, SIGTERM or when the terminal closes.
 * Further signals change nothing.
 */
export async function runUntilSignal(start: (signal: AbortSignal) => Promise<Running>): Promise<void> {
  outliveTerminal()
  const signal = abortOnSignals()
  await saySentences(async () => {
    try {
      const { name = 'Balance Board', url, adminToken, stop } = await start(signal)
      console.log(`\n${name}: ${url}    (Ctrl-C stops it)\n`)
      // In the fragment, which a browser does not send. The page keeps it and removes it from the address.
      if (adminToken) console.log(`With control of the servers: ${url}/#token=${adminToken}\n`)
      await aborted(signal)
      await stop()
    } catch (error) {
      if (!signal.aborted) throw error
    }
    print('stop', 'all processes have stopped')
  })
}

const aborted = (signal: AbortSignal) =>
  new Promise<void>(resolve => {
    if (signal.aborted) resolve()
    signal.addEventListener('abort', () => resolve())
  })

/**
 * Runs `local` if a stack runs on DATA_DIR, else `withDocker`.
 * @throws UserError if no stack runs, or a setting is invalid
 */
export async function onRunningStack<T>(actions: {
  local: (stack: StackFile) => Promise<T>
  withDocker: () => Promise<T>
}): Promise<T> {
  const { folder, stackFile } = dataDirAt(loadDataDir())
  const stack = readStackFile(stackFile)
  if (stack) return actions.local(stack)
  try {
    return await actions.withDocker()
  } catch (error) {
    if (!(error instanceof DockerFailed)) throw error
    throw new UserError(
      `no board is running on ${folder}, and none with Docker: ${error.message.split('\n')[0]}`,
    )
  }
}
