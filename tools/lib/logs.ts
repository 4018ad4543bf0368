import { copyFile, glob, open, rename, stat, truncate } from 'node:fs/promises'
import { join } from 'node:path'

/** Opens a new log and renames the earlier one to `….1`. The caller closes the log. */
export async function openLog(path: string) {
  await rename(path, `${path}.1`).catch(() => {}) // there is none at the first start
  return open(path, 'a', 0o600)
}

/** The last `lines` lines; '' if there is no log. */
export async function lastLines(path: string, lines: number): Promise<string> {
  const log = await open(path, 'r').catch(() => null)
  if (!log) return ''
  const { size } = await log.stat()
  const length = Math.min(size, 8192)
  const { buffer } = await log.read(Buffer.alloc(length), 0, length, size - length)
  await log.close()
  return buffer.toString('utf8').trimEnd().split('\n').slice(-lines).join('\n')
}

/** Maximum bytes of a log. Its copy `….1` can take the same again. */
const maxBytes = 20 * 1024 * 1024
/** The access log has one line per request, so it may be larger. Errors have a separate log and stay for days. */
const maxAccessLogBytes = 128 * 1024 * 1024
const checkEveryMs = 10_000

/**
 * Keeps the logs of a running stack from filling the disk: copies a log over 20 MB (the access log: 128 MB) to `….1` and empties
 * it. Its writer has opened it for appending, so it continues at the new end. @returns a function that stops this
 */
export function boundLogs({ folder }: { folder: string }): () => void {
  const timer = setInterval(() => void boundAll(folder).catch(() => {}), checkEveryMs)
  timer.unref()
  return () => clearInterval(timer)
}

async function boundAll(folder: string): Promise<void> {
  for await (const path of glob(['{logs,nginx}/*.log', 'database/log'], { cwd: folder })) {
    await boundLog(join(folder, path), path.endsWith('access.log') ? maxAccessLogBytes : maxBytes)
  }
}

/** Copies a log that is larger than `limit` bytes to `….1` and empties it. */
export async function boundLog(path: string, limit: number): Promise<void> {
  const size = await stat(path).then(
    ({ size }) => size,
    () => 0,
  )
  if (size <= limit) return
  // On a full disk the copy fails. Empty the log all the more.
  await copyFile(path, `${path}.1`).catch(() => {})
  await truncate(path).catch(() => {})
}
