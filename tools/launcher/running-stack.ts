import { DockerFailed } from '../../deploy/compose/docker-failed.ts'
import { StackFailure } from '../lib/stack-failure.ts'
import { loadDataDir } from './load-settings.ts'
import { dataDirAt } from './stack/data-dir.ts'
import { readStackFile, type StackFile } from './stack/stack-file.ts'

/**
 * Which stack a command means: the one that runs on DATA_DIR, else the one with Docker. Does `local` or `withDocker`.
 * @throws StackFailure where neither runs, or the settings cannot be used
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
    throw new StackFailure(
      `no board is running on ${folder}, and none with Docker: ${error.message.split('\n')[0]}`,
    )
  }
}
