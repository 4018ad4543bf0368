import { spawnSync } from 'node:child_process'
import { closeSync, mkdirSync, openSync, rmSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { codeOf } from '../../web/error-code.ts'

/** A disk of its own for the database, small enough to be filled. */
export type SmallDisk = {
  /** Leaves no room at all. */
  fill(): void
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

function writeUntilFull(path: string): void {
  const page = Buffer.alloc(4096)
  const file = openSync(path, 'w')
  try {
    for (;;) writeSync(file, page)
  } catch (error) {
    if (codeOf(error) !== 'ENOSPC') throw error
  } finally {
    closeSync(file)
  }
}
