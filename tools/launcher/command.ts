import { DockerFailed } from '../../deploy/compose/docker.ts'
import { UserError } from '../../web/server/errors.ts'
import { abortOnSignals, outliveTerminal, print, saySentences } from '../lib/terminal.ts'
import { loadDataDir } from './settings.ts'
import { dataDirAt, readStackFile, type StackFile } from './stack/data-dir.ts'
import type { Stack } from './stack/stack.ts'

/**
 * Starts a stack, says where it is, and stops it when told to: by Ctrl-C, by SIGTERM, or by the terminal closing.
 * Telling it again changes nothing.
 */
export async function runUntilTold(start: (signal: AbortSignal) => Promise<Stack>): Promise<void> {
  outliveTerminal()
  const signal = abortOnSignals()
  await saySentences(async () => {
    try {
      const stack = await start(signal)
      console.log(`\nBalance Board: ${stack.url}    (Ctrl-C stops it)\n`)
      await aborted(signal)
      await stack.stop()
    } catch (error) {
      if (!signal.aborted) throw error
    }
    print('stop', 'all parts have stopped')
  })
}

const aborted = (signal: AbortSignal) =>
  new Promise<void>(resolve => {
    if (signal.aborted) resolve()
    signal.addEventListener('abort', () => resolve())
  })

/**
 * Which stack a command means: the one that runs on DATA_DIR, else the one with Docker. Does `local` or `withDocker`.
 * @throws UserError where neither runs, or the settings cannot be used
 */
export async function onRunningStack<T>(does: {
  local: (stack: StackFile) => Promise<T>
  withDocker: () => Promise<T>
}): Promise<T> {
  const { folder, stackFile } = dataDirAt(loadDataDir())
  const stack = readStackFile(stackFile)
  if (stack) return does.local(stack)
  try {
    return await does.withDocker()
  } catch (error) {
    if (!(error instanceof DockerFailed)) throw error
    throw new UserError(
      `no board is running on ${folder}, and none with Docker: ${error.message.split('\n')[0]}`,
    )
  }
}
