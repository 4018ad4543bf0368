import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { builtReplica, type ReplicaProgram } from '../../launcher/stack/replica-program.ts'
import { type Stack, startStack } from '../../launcher/stack/stack.ts'

export type ThrowAwayBoard = AsyncDisposable & Pick<Stack, 'url' | 'file'>

/** A board of its own, of which nothing is left after it. */
export async function startThrowAwayBoard(
  replicas: number,
  signal: AbortSignal,
  replica: ReplicaProgram = builtReplica(process.env),
): Promise<ThrowAwayBoard> {
  const folder = mkdtempSync(join(tmpdir(), 'board-thrown-away-'))
  const remove = () => rmSync(folder, { recursive: true, force: true })
  try {
    const stack = await startStack({
      replicas,
      dataDir: join(folder, 'data'),
      replica,
      database: { size: 'small' },
      signal,
    })
    return {
      url: stack.url,
      file: stack.file,
      async [Symbol.asyncDispose]() {
        await stack.stop()
        remove()
      },
    }
  } catch (error) {
    remove()
    throw error
  }
}
