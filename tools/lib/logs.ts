import { copyFile, glob, open, rename, stat, truncate } from 'node:fs/promises'
import { join } from 'node:path'

/** A log for this start; that of the one before is kept beside it as `….1`. The caller closes it. */
export async function openLog(path: string) {
  await rename(path, `${path}.1`).catch(() => {}) // the first start has none
  return open(path, 'a', 0o600)
}

/** The last `lines` lines, '' if there is no log. */
export async function lastLines(path: string, lines: number): Promise<string> {
  const log = await open(path, 'r').catch(() => null)
  if (!log) return ''
  const { size } = await log.stat()
  const length = Math.min(size, 8192)
  const { buffer } = await log.read(Buffer.alloc(length), 0, length, size - length)
  await log.close()
  return buffer.toString('utf8').trimEnd().split('\n').slice(-lines).join('\n')
}

/** bytes; the older half of a log takes as much again */
const largest = 20 * 1024 * 1024
/** The access log has a line a request, so it has more room: errors are in a log of their own, and stay for days. */
const largestAccessLog = 128 * 1024 * 1024
const lookEvery = 10_000

/**
 * Keeps the logs of a running stack from filling the disk: one over 20 MB, of accesses 128 MB, is copied to `….1` and begins anew. Whoever
 * writes it has it open for appending, so goes on at its new end. Returns what ends this.
 */
export function boundLogs({ folder }: { folder: string }): () => void {
  const timer = setInterval(() => void boundAll(folder).catch(() => {}), lookEvery)
  timer.unref()
  return () => clearInterval(timer)
}

async function boundAll(folder: string): Promise<void> {
  for await (const path of glob(['{logs,nginx}/*.log', 'database/log'], { cwd: folder })) {
    await boundLog(join(folder, path), path.endsWith('access.log') ? largestAccessLog : largest)
  }
}

/** `most` is in bytes. */
export async function boundLog(path: string, most: number): Promise<void> {
  const size = await stat(path).then(
    ({ size }) => size,
    () => 0,
  )
  if (size <= most) return
  // On a full disk the copy fails, which is one more reason to begin anew.
  await copyFile(path, `${path}.1`).catch(() => {})
  await truncate(path).catch(() => {})
}
