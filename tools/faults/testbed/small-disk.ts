import { spawnSync } from 'node:child_process'
import { mkdirSync, rmSync } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { join } from 'node:path'
import { codeOf } from '../../../web/server/error-code.ts'

/** A disk of its own for the database, small enough to be filled. */
export type SmallDisk = {
  /** Leaves no room at all. */
  fill(): Promise<void>
  /** Gives the room back. */
  empty(): void
  unmount(): void
}

/** More than a database takes that is new. */
const megabytes = 300

/** Null where this user may not mount one: that takes root, and Linux. */
export function mountSmallDisk(folder: string): SmallDisk | null {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const options = `size=${megabytes}m,mode=0700`
  const { status } = spawnSync('mount', ['-t', 'tmpfs', '-o', options, 'board-faults', folder], {
    stdio: 'ignore',
  })
  if (status !== 0) return null
  const filler = join(folder, 'filler')
  return {
    fill: () => writeUntilFull(filler),
    empty: () => rmSync(filler, { force: true }),
    unmount: () => void spawnSync('umount', [folder], { stdio: 'ignore' }),
  }
}

/** Not in this thread, which sends the page views meanwhile. */
async function writeUntilFull(path: string): Promise<void> {
  await using file = await open(path, 'w')
  for (const size of [2 ** 20, 4096]) {
    const piece = Buffer.alloc(size)
    while (await writesWhole(file, piece));
  }
}

/** A piece that does not fit is written as far as it does. */
async function writesWhole(file: FileHandle, piece: Buffer): Promise<boolean> {
  try {
    const { bytesWritten } = await file.write(piece)
    return bytesWritten === piece.length
  } catch (error) {
    if (codeOf(error) !== 'ENOSPC') throw error
    return false
  }
}
