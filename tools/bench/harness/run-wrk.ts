import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { type LoadResult, parseResult } from './parse-result.ts'

export type Load = {
  connections: number
  seconds: number
  /** srv_ids that visitors come with, in turns; default: they are strangers */
  cookies?: string[]
}

/** As many page views as are answered, each connection asking anew as soon as it has its answer. */
export async function runWrk(url: string, load: Load, signal: AbortSignal): Promise<LoadResult> {
  const { connections, seconds, cookies = [] } = load
  const script = join(import.meta.dirname, 'visitors.lua')
  // One thread is enough: wrk asks for many times what is answered here, and the processor is needed elsewhere.
  const options = ['-t', '1', '-c', String(connections), '-d', `${seconds}s`, '--timeout', '5s', '-s', script]
  const { stdout } = await promisify(execFile)('wrk', [...options, url, ...cookies], { signal })
  return parseResult(stdout)
}
