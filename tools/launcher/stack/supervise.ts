import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { UserError } from '../../../web/server/errors.ts'
import { answers, untilHung } from '../../lib/liveness.ts'
import { lastLines, openLog } from '../../lib/logs.ts'
import { endGroup, signalGroup } from '../../lib/processes.ts'
import { backoff, stableAfterMs } from '../../lib/wait.ts'
import type { ProcessRecord, Workspace } from './workspace.ts'

/** A process of the stack that is ready for work. */
export type RunningService = {
  pid: number
  /** resolves when it has ended, asked to or not, with how: "SIGKILL", "exit status 1" */
  exited: Promise<string>
  /** Ends it in order and waits for that. Safe to call again, and after it ended. */
  stop: () => Promise<void>
}

type ServiceToSpawn = {
  name: string
  program: string
  arguments: string[]
  cwd: string
  environment: NodeJS.ProcessEnv
  /** takes what it prints */
  log: string
  record: ProcessRecord
  /** answers 200 once it is ready */
  readyUrl: string
  /** in ms */
  readyWithin: number
  /** what answers, with whatever status, as long as it lives, and ms without an answer after which it is killed */
  liveness: { url: string; hungAfterMs: number } | null
  /** ways to end it, the gentlest first, each with how long it is given, in ms; SIGKILL comes after them */
  endings: [signal: NodeJS.Signals, patience: number][]
}

/**
 * Starts a process of the stack and resolves when it is ready. It gets a process group of its own: a Ctrl-C at the
 * terminal reaches the launcher alone, which stops all in order. Throws UserError with what its log said last;
 * then, as after an abort, nothing of it is left.
 */
export async function spawnService(part: ServiceToSpawn, signal: AbortSignal): Promise<RunningService> {
  signal.throwIfAborted()
  const { name, record } = part
  const child = await spawnLogged(part)
  const pid = child.pid ?? 0 // it was spawned
  record.add(name, pid)

  let how: string | null = null
  let why = ''
  const watching = new AbortController()
  const exited = once(child, 'exit').then(async ([status, by]) => {
    const ending = `${by ?? `exit status ${status}`}${why}`
    how = ending
    watching.abort()
    // Workers outlive an NGINX that was killed, and would keep its port.
    if (signalGroup(pid, 'SIGQUIT')) await endGroup(pid, 'SIGQUIT', 300)
    record.remove(pid)
    return ending
  })
  const stop = async () => {
    watching.abort()
    for (const [ending, patience] of part.endings) {
      if (how !== null) break
      signalGroup(pid, ending)
      await Promise.race([exited, sleep(patience, null, { ref: false })])
    }
    if (how === null) signalGroup(pid, 'SIGKILL')
    await exited
  }

  const deadline = performance.now() + part.readyWithin
  while (!(await answers(part.readyUrl))) {
    const late = performance.now() > deadline
    if (how === null && !late && !signal.aborted) {
      await Promise.race([exited, sleep(50)])
      continue
    }
    const failed = how === null ? 'is not ready in time' : `ended at its start (${how})`
    await stop()
    signal.throwIfAborted()
    throw new UserError(`${name} ${failed}: ${await lastWords(part.log)}`)
  }
  if (part.liveness) killOnceHung(part.liveness.url, part.liveness.hungAfterMs)
  return { pid, exited, stop }

  /** A process that hangs does not end by itself, and hears no gentle signal. */
  function killOnceHung(url: string, limitMs: number): void {
    untilHung(url, limitMs, watching.signal).then(
      () => {
        why = ` after ${limitMs / 1000} s without an answer`
        signalGroup(pid, 'SIGKILL')
      },
      () => {}, // it ended, or was stopped
    )
  }
}

async function spawnLogged({ name, program, arguments: options, cwd, environment, log }: ServiceToSpawn) {
  const file = await openLog(log)
  try {
    const stdio = ['ignore', file.fd, file.fd] as const
    const child = spawn(program, options, { cwd, env: environment, detached: true, stdio: [...stdio] })
    await once(child, 'spawn')
    return child
  } catch (error) {
    throw new UserError(`${name} cannot be started: ${error instanceof Error ? error.message : error}`)
  } finally {
    await file.close()
  }
}

async function lastWords(log: string): Promise<string> {
  const said = await lastLines(log, 4)
  return said ? `${log} says\n    ${said.replaceAll('\n', '\n    ')}` : `${log} is empty`
}

type Keeping<P extends RunningService> = {
  /** starts the part again, at the same address; rejects soon after the signal */
  start: (signal: AbortSignal) => Promise<P>
  /** told of each new life */
  replaced: (part: P) => void
  report: (text: string) => void
}

export type KeptService = { stop: () => Promise<void> }

/** Watches a part that runs, and starts it again, with growing pauses, each time it ends unasked. */
export function keepRunning<P extends RunningService>(
  first: P,
  { start, replaced, report }: Keeping<P>,
): KeptService {
  const stopping = new AbortController()
  let current = first

  async function watch(): Promise<void> {
    for (let failures = 0; ; ) {
      const since = performance.now()
      const how = await current.exited
      if (performance.now() - since > stableAfterMs) failures = 0
      while (!stopping.signal.aborted && !(await startAgain(how, failures))) failures++
      if (stopping.signal.aborted) return
      failures++
    }
  }

  async function startAgain(how: string, failures: number): Promise<boolean> {
    try {
      await sleep(backoff(failures), null, { signal: stopping.signal })
      current = await start(stopping.signal)
      replaced(current)
      report(`ended (${how}) and was started again`)
      return true
    } catch (error) {
      if (stopping.signal.aborted) return false
      const why = error instanceof Error ? error.message : String(error)
      report(`ended (${how}) and does not start, next try in ${backoff(failures + 1) / 1000} s: ${why}`)
      return false
    }
  }

  const watching = watch()
  return {
    async stop() {
      stopping.abort()
      await current.stop() // ends the wait for its exit
      await watching
      await current.stop() // one that was being started meanwhile
    },
  }
}

/**
 * Starts a part, says so, and keeps it running from then on. When its first start fails, that is thrown. `describe`
 * is what to report of it.
 */
export async function bringUp<P extends RunningService>(
  name: string,
  start: (signal: AbortSignal) => Promise<P>,
  describe: (part: P) => string,
  { roster, report, signal }: Workspace,
): Promise<{ part: P; kept: KeptService }> {
  const begun = performance.now()
  const part = await start(signal)
  roster.set(name, part.pid)
  report(name, `${describe(part)}, ready after ${((performance.now() - begun) / 1000).toFixed(1)} s`)
  const replaced = (successor: P) => roster.set(name, successor.pid)
  return { part, kept: keepRunning(part, { start, replaced, report: text => report(name, text) }) }
}
