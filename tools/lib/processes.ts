// Processes of this machine: finding, signalling and ending them, their memory, their logs and their clocks.

import { execFileSync } from 'node:child_process'
import { globSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { copyFile, glob, open, rename, stat, truncate } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { codeOf } from '../../web/server/errors.ts'
import { poll, until } from './wait.ts'

/** A running process of this machine. */
type ProcessEntry = {
  pid: number
  /** its process group */
  group: number
  command: string
  /** whether a signal has stopped it (SIGSTOP) and no signal has continued it */
  stopped: boolean
  /** when it started: distinguishes it from a later process with the same id */
  started: string
}

/**
 * Calls `look` every `everyMs`, one call at a time, until the process `pid` ends or `stop` is called. `failed` gets the error of
 * a call that failed; the next one comes all the same. `stop` resolves after the current call, whose signal is then aborted.
 */
export function lookWhileRunning(
  pid: number,
  everyMs: number,
  look: (signal: AbortSignal) => Promise<void>,
  failed: (error: unknown) => void,
): { stop: () => Promise<void> } {
  const stopping = new AbortController()
  const { signal } = stopping
  async function watch(): Promise<void> {
    while (!signal.aborted && findProcess(pid)) {
      await look(signal).catch(failed)
      await pause(everyMs, null, { signal, ref: false }).catch(() => {})
    }
  }
  const watching = watch()
  return {
    async stop() {
      stopping.abort()
      await watching
    },
  }
}

/** Returns null if it does not exist. */
export function findProcess(pid: number): ProcessEntry | null {
  if (process.platform === 'linux') return readEntry(pid)
  return readPs(['-p', String(pid)])[0] ?? null
}

export function listGroup(group: number): ProcessEntry[] {
  return listProcesses().filter(entry => entry.group === group)
}

function listProcesses(): ProcessEntry[] {
  if (process.platform !== 'linux') return readPs(['-ax'])
  return readdirSync('/proc')
    .filter(name => /^\d+$/.test(name))
    .map(name => readEntry(Number(name)))
    .filter(entry => entry !== null)
}

function readEntry(pid: number): ProcessEntry | null {
  try {
    return parseStat(readFileSync(`/proc/${pid}/stat`, 'utf8'), bootId())
  } catch {
    return null // ended
  }
}

/** Start times count from the boot, so they can be the same after another boot. */
const bootId = () => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()

/** Parses /proc/PID/stat (proc_pid_stat(5)). Returns null for a zombie. */
export function parseStat(text: string, boot: string): ProcessEntry | null {
  // The command is in parentheses and may contain any character.
  const match = /^(\d+) \((.*)\) (\S) (.*)$/s.exec(text.trimEnd())
  const [, pid, command, state, remaining] = match ?? []
  if (!pid || command === undefined || !remaining || state === 'Z' || state === 'X') return null
  // The first one is field 4 of the line, the parent. The group is field 5, the start in clock ticks field 22.
  const fields = remaining.split(' ')
  const started = `${boot}/${fields[18]}`
  return { pid: Number(pid), group: Number(fields[1]), command, stopped: state === 'T', started }
}

function readPs(selection: string[]): ProcessEntry[] {
  try {
    const columns = ['-o', 'pid=', '-o', 'pgid=', '-o', 'stat=', '-o', 'lstart=', '-o', 'comm=']
    const options = { encoding: 'utf8', env: { ...process.env, LC_ALL: 'C' }, stdio: 'pipe' } as const
    return parsePs(execFileSync('ps', [...selection, ...columns], options))
  } catch {
    return [] // no process matches
  }
}

/** Parses lines like "  512   512 Ss   Sun Nov 22 21:14:00 2026     /usr/sbin/nginx". */
export function parsePs(text: string): ProcessEntry[] {
  const line = /^\s*(\d+)\s+(\d+)\s+(\S+)\s+(\w+\s+\w+\s+\d+\s+[\d:]+\s+\d+)\s+(.*)$/gm
  return [...text.matchAll(line)].flatMap(([, pid, group, state = '', started = '', command = '']) =>
    state.startsWith('Z')
      ? []
      : [{ pid: Number(pid), group: Number(group), command, stopped: state.startsWith('T'), started }],
  )
}

/** ms until a killed process is gone: the system may still write for it */
const killTimeoutMs = 5_000

/**
 * Ends a process group by `signal`, and after `patience` ms by SIGKILL.
 * @returns whether the group is gone
 * @throws EPERM if it belongs to another user
 */
export async function endGroup(group: number, signal: NodeJS.Signals, patience: number): Promise<boolean> {
  if (!signalGroup(group, signal) || (await isGone(group, patience))) return true
  signalGroup(group, 'SIGKILL')
  return isGone(group, killTimeoutMs)
}

/** @returns false if the group does not exist. @throws EPERM if it belongs to another user */
export const signalGroup = (group: number, signal: NodeJS.Signals | 0) => signalProcess(-group, signal)

/** @returns false if the process does not exist. @throws EPERM if it belongs to another user */
export function signalProcess(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    process.kill(pid, signal)
    return true
  } catch (error) {
    if (codeOf(error) === 'ESRCH') return false
    throw error
  }
}

/** Stops a process for `ms` (SIGSTOP, then SIGCONT). */
export async function freezeProcess(pid: number, ms: number): Promise<void> {
  signalProcess(pid, 'SIGSTOP')
  try {
    await pause(ms)
  } finally {
    signalProcess(pid, 'SIGCONT')
  }
}

export const untilEnded = (pid: number) => until(`process ${pid} has ended`, () => findProcess(pid) === null)

const isGone = async (group: number, patience: number) =>
  (await poll(() => !exists(group), patience, 20)) !== null

// A zombie still receives signals; listGroup leaves it out.
const exists = (group: number) => signalGroup(group, 0) && listGroup(group).length > 0

/** Those of `pids` that are running. */
export const alive = (pids: number[]) => pids.filter(pid => findProcess(pid) !== null)

/** The whole command line, or the title that the process has set; '' if the process has ended. */
export function commandLine(pid: number): string {
  try {
    if (process.platform === 'linux')
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trimEnd()
    return execFileSync('ps', ['-ww', '-o', 'command=', '-p', String(pid)], {
      encoding: 'utf8',
      stdio: 'pipe',
    }).trimEnd()
  } catch {
    return ''
  }
}

/**
 * The workers of the NGINX whose master is `pid`. `ending`: also the workers of an earlier configuration, which finish their
 * requests.
 */
export function nginxWorkers(pid: number, { ending = false } = {}): number[] {
  const title = ending ? /^nginx: worker process/ : /^nginx: worker process$/
  return listGroup(pid)
    .map(entry => entry.pid)
    .filter(member => title.test(commandLine(member)))
}

/** Memory of a process in bytes; 0 if it has ended, or on another system than Linux. */
export function residentBytes(pid: number): number {
  try {
    const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
    return Number(kilobytes ?? 0) * 1024
  } catch {
    return 0
  }
}

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

/** The clock of one process. It can jump while the process runs. Uses libfaketime, a Debian package. */
export type FakedClock = {
  /** for the process's environment */
  variables: Record<string, string>
  /** Sets how far the clock is ahead of the machine's, in seconds. Takes effect within a second. */
  jumpTo(secondsAhead: number): void
}

/** The process reads its offset from `file`. Returns null if libfaketime is not installed. */
export function makeFakedClock(file: string): FakedClock | null {
  const [library] = globSync('/usr/{lib,lib64}/{*/,}faketime/libfaketimeMT.so.1')
  if (library === undefined) return null
  const jumpTo = (secondsAhead: number) =>
    writeFileSync(file, `${secondsAhead < 0 ? '' : '+'}${secondsAhead}\n`)
  jumpTo(0)
  return {
    jumpTo,
    variables: {
      LD_PRELOAD: library,
      FAKETIME_TIMESTAMP_FILE: file,
      FAKETIME_CACHE_DURATION: '1',
      // Setting a real clock does not change the time since boot.
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
    },
  }
}
