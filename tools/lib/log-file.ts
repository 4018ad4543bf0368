import { open, rename } from 'node:fs/promises'

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
