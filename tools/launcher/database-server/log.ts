import { open, readFile, rename, statfs } from 'node:fs/promises'
import { type DatabaseFailure, failureFromLog } from './failure.ts'
import type { Home } from './home.ts'

/** A log for one start alone; that of the start before is kept beside it. */
export async function openLog(home: Home) {
  await rename(home.log, home.previousLog).catch(() => {}) // the first start has none
  return open(home.log, 'a', 0o600)
}

export const readLog = (home: Home) => readFile(home.log, 'utf8').catch(() => '')

/** The failure to `act`, as the log tells it; on a full disk the log itself may be cut short or empty. */
export async function failureOf(act: string, home: Home): Promise<DatabaseFailure> {
  const { bavail, bsize } = await statfs(home.folder)
  const full = bavail * bsize < 1024 * 1024 ? '\nNo space left on device' : ''
  return failureFromLog(`${act} in ${home.folder}`, (await readLog(home)) + full)
}
