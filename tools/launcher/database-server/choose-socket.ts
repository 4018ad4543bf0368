import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

// A socket's path may have 107 bytes on Linux and 103 on macOS; the server makes `<socket>.lock` beside it.
const longestPath = 95

export type SocketPlace = { path: string; remove: () => Promise<void> }

/** In the database's own folder; where that path is too long, in a folder of its own under the system's. */
export async function chooseSocket(folder: string): Promise<SocketPlace> {
  const path = join(folder, 'socket')
  if (Buffer.byteLength(path) <= longestPath) return { path, remove: async () => {} }
  const short = join(await mkdtemp(join(tmpdir(), 'board-')), 's')
  return { path: short, remove: () => rm(dirname(short), { recursive: true, force: true }) }
}
