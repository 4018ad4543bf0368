import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { builtReplica } from '../../local/parts/replica-program.ts'
import { startStack } from '../../local/stack.ts'

export type ThrowAwayBoard = AsyncDisposable & { url: string }

/** A board of its own, of which nothing is left after it. */
export async function startThrowAwayBoard(replicas: number, signal: AbortSignal): Promise<ThrowAwayBoard> {
  const folder = mkdtempSync(join(tmpdir(), 'board-bench-page-'))
  const remove = () => rmSync(folder, { recursive: true, force: true })
  try {
    const stack = await startStack({
      replicas,
      dataDir: join(folder, 'data'),
      replica: builtReplica(process.env),
      database: { size: 'small' },
      signal,
    })
    return {
      url: stack.url,
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
