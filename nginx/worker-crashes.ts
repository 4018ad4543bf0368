// A crashed NGINX worker never releases its places under `limit_conn` or its share of the upstreams' connection counts,
// and may leave shared memory half written. This module notices crashes and makes NGINX reload with new shared memory.
// Only the page views of the crashed worker fail. The launcher calls it; in containers
// docker-entrypoint.d/30-worker-crashes.sh does the same.
import { open, readFile, writeFile } from 'node:fs/promises'
import { findProcess, listGroup, lookWhileRunning } from '../tools/lib/processes.ts'
import { backoff, stableAfterMs } from '../tools/lib/wait.ts'
import type { RenderedNginx } from './render.ts'

/** ms between two readings of the log */
const lookEvery = 200

/** ms from a reload until its old workers must have ended: twice worker_shutdown_timeout */
const oldWorkersEndWithin = 10_000

/** ms that a worker may be stopped by a signal before it is killed, and ms between two checks */
const stoppedAtMost = 5000
const lookForStoppedEvery = 1000

// From the start of the line: further on it may have text that a client sent.
const exit =
  /^[\d/]+ [\d:]+ \[\w+\] \d+#\d+: ((?:worker|cache manager|cache loader) process \d+ exited (?:on signal \d+|with (?:fatal )?code [1-9]\d*))/
const fastExit = /^[\d/]+ [\d:]+ \[notice\] (\d+)#\d+: (signal \d+ \(SIG(?:TERM|INT)\) received).*, exiting/
const refusal = /^[\d/]+ [\d:]+ \[emerg\] /

/**
 * The crash that a line of processes.log reports; null if none. A worker that receives SIGTERM itself also exits
 * without releasing anything. If the master receives it, NGINX stops in order. The messages are from ngx_process.c and
 * ngx_process_cycle.c.
 */
export function crashIn(line: string, master: number): string | null {
  const [, pid, signal] = fastExit.exec(line) ?? []
  if (pid && Number(pid) !== master) return `worker process ${pid}: ${signal}`
  return exit.exec(line)?.[1] ?? null
}

/** Changes each zone's size by 4 kB, up or down: on a reload NGINX then creates the zone again. */
export function resizeZones(declarations: string): string {
  return declarations.replace(/([04])k\b/g, (_, digit) => (digit === '0' ? '4k' : '0k'))
}

/**
 * Watches the workers of an NGINX that leads a process group, until it ends. After a crash it reloads NGINX with new
 * shared memory; for repeated crashes it waits longer each time, up to 10 s. If a reload has not replaced the workers
 * within 10 s, it kills the master, and the caller must start NGINX again: a worker that was killed inside an
 * upstream's lock makes the others, and a reload, wait for ever. It also kills a worker that a signal has stopped for 5
 * s while the master runs: NGINX does not notice it, its clients wait for ever, and other workers' page views pass
 * through it.
 */
export function recoverFromCrashes(
  { processLog, sharedMemory }: Pick<RenderedNginx, 'processLog' | 'sharedMemory'>,
  master: number,
  report: (text: string) => void,
): { stop: () => Promise<void> } {
  const nextLines = followLog(processLog)
  const leaving = new Map<number, number>()
  /** stopped workers, and since when */
  let stopped = new Map<number, number>()
  let lookedForStopped = Number.NEGATIVE_INFINITY
  let crash: string | null = null
  /** whether NGINX has refused the sizes in the file */
  let refused = false
  let reloads = 0
  let lastReload = Number.NEGATIVE_INFINITY

  async function look(): Promise<void> {
    for (const line of await nextLines()) {
      crash = crashIn(line, master) ?? crash
      if (!refusal.test(line) || leaving.size === 0) continue
      leaving.clear()
      refused = true
      crash = 'NGINX refused to reload'
    }
    const now = performance.now()
    if (now - lastReload > backoff(reloads) + stableAfterMs) reloads = 0
    if (crash && now - lastReload >= backoff(reloads)) await reload(crash)
    if (now - lookedForStopped >= lookForStoppedEvery) endStopped(now)
    for (const pid of leaving.keys()) if (!findProcess(pid)) leaving.delete(pid)
    if ([...leaving.values()].every(deadline => now < deadline)) return
    report('old workers do not end after a reload: NGINX is killed')
    leaving.clear()
    process.kill(master, 'SIGKILL')
  }

  function endStopped(now: number): void {
    lookedForStopped = now
    // A worker that a reload has told to exit has that deadline instead.
    const found = listGroup(master).filter(({ pid, stopped }) => stopped && !leaving.has(pid))
    if (found.some(({ pid }) => pid === master)) found.length = 0
    stopped = new Map(found.map(({ pid }) => [pid, stopped.get(pid) ?? now]))
    for (const [pid, since] of stopped) {
      if (now - since < stoppedAtMost) continue
      report(`worker process ${pid} has been stopped for ${stoppedAtMost / 1000} s: it is killed`)
      process.kill(pid, 'SIGKILL')
    }
  }

  async function reload(why: string): Promise<void> {
    crash = null
    reloads++
    lastReload = performance.now()
    for (const { pid } of listGroup(master)) {
      if (pid !== master && !leaving.has(pid)) leaving.set(pid, lastReload + oldWorkersEndWithin)
    }
    if (!refused) await writeFile(sharedMemory, resizeZones(await readFile(sharedMemory, 'utf8')))
    refused = false
    process.kill(master, 'SIGHUP')
    report(`${why}: reloading with new shared memory`)
  }

  // The disk may be full, or the master may have just ended: try again next time.
  return lookWhileRunning(master, lookEvery, look, error =>
    report(`cannot look for crashed workers: ${error}`),
  )
}

/** @returns a function that reads the lines added since its last call. The file may be truncated in between. */
function followLog(path: string): () => Promise<string[]> {
  let position = 0
  let incomplete = ''
  return async () => {
    await using log = await open(path, 'r')
    const { size } = await log.stat()
    if (size < position) position = 0
    const { buffer, bytesRead } = await log.read(Buffer.alloc(size - position), 0, size - position, position)
    position += bytesRead
    const lines = (incomplete + buffer.toString('utf8', 0, bytesRead)).split('\n')
    incomplete = lines.pop() ?? ''
    return lines
  }
}
