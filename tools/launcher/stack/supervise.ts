import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as pause } from 'node:timers/promises'
import { reasonOf, UserError } from '../../../web/server/errors.ts'
import { endGroup, lastLines, openLog, signalGroup } from '../../lib/processes.ts'
import { answers, backoff, stableAfterMs, untilHung } from '../../lib/wait.ts'
import type { ProcessRecord, Workspace } from './workspace.ts'

/** A process of the stack that is ready. */
export type RunningService = {
  pid: number
  /** resolves when the process has ended for any reason, with its ending: "SIGKILL", "exit status 1" */
  exited: Promise<string>
  /** Ends the process in order. Can be called again, and after it has ended. */
  stop: () => Promise<void>
}

type ServiceToSpawn = {
  name: string
  program: string
  arguments: string[]
  cwd: string
  environment: NodeJS.ProcessEnv
  /** file for its output */
  log: string
  record: ProcessRecord
  /** answers 200 when it is ready */
  readyUrl: string
  /** ms */
  readyWithin: number
  /** a URL that answers with any status while it lives, and ms without an answer after which it is killed */
  liveness: { url: string; hungAfterMs: number } | null
  /** signals that end it, gentlest first, each with the ms to wait; SIGKILL follows */
  endings: [signal: NodeJS.Signals, patience: number][]
}

/**
 * Starts a process of the stack and resolves when it is ready. It has a separate process group, so Ctrl-C reaches only the
 * launcher, which stops all processes in order.
 * @throws UserError with the end of its log; then, as after an abort, no process is left
 */
export async function spawnService(service: ServiceToSpawn, signal: AbortSignal): Promise<RunningService> {
  signal.throwIfAborted()
  const { name, record } = service
  const child = await spawnLogged(service)
  const pid = child.pid ?? 0 // defined: it was spawned
  record.add(name, pid)

  let ended: string | null = null
  let reason = ''
  const watching = new AbortController()
  const exited = once(child, 'exit').then(async ([status, by]) => {
    const ending = `${by ?? `exit status ${status}`}${reason}`
    ended = ending
    watching.abort()
    // The workers of a killed NGINX go on, and would keep its port.
    if (signalGroup(pid, 'SIGQUIT')) await endGroup(pid, 'SIGQUIT', 300)
    record.remove(pid)
    return ending
  })
  const stop = async () => {
    watching.abort()
    for (const [ending, patience] of service.endings) {
      if (ended !== null) break
      signalGroup(pid, ending)
      await Promise.race([exited, pause(patience, null, { ref: false })])
    }
    if (ended === null) signalGroup(pid, 'SIGKILL')
    await exited
  }

  const deadline = performance.now() + service.readyWithin
  while (!(await answers(service.readyUrl))) {
    const late = performance.now() > deadline
    if (ended === null && !late && !signal.aborted) {
      await Promise.race([exited, pause(50)])
      continue
    }
    const failed = ended === null ? 'was not ready in time' : `ended at its start (${ended})`
    await stop()
    signal.throwIfAborted()
    throw new UserError(`${name} ${failed}: ${await endOf(service.log)}`)
  }
  if (service.liveness) killOnceHung(service.liveness.url, service.liveness.hungAfterMs)
  return { pid, exited, stop }

  /** A hung process does not end by itself and does not react to gentle signals. */
  function killOnceHung(url: string, limitMs: number): void {
    untilHung(url, limitMs, watching.signal).then(
      () => {
        reason = ` after ${limitMs / 1000} s without an answer`
        signalGroup(pid, 'SIGKILL')
      },
      () => {}, // it has ended or was stopped
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
    throw new UserError(`cannot start ${name}: ${reasonOf(error)}`)
  } finally {
    await file.close()
  }
}

async function endOf(log: string): Promise<string> {
  const lines = await lastLines(log, 4)
  return lines ? `${log} says\n    ${lines.replaceAll('\n', '\n    ')}` : `${log} is empty`
}

type RestartOptions<P extends RunningService> = {
  /** starts the service again at the same address; rejects soon after the signal */
  start: (signal: AbortSignal) => Promise<P>
  /** called with each restarted service */
  replaced: (service: P) => void
  report: (text: string) => void
}

export type KeptService = { stop: () => Promise<void> }

/** Restarts a service, with growing pauses, each time it ends without `stop`. */
export function keepRunning<P extends RunningService>(
  first: P,
  { start, replaced, report }: RestartOptions<P>,
): KeptService {
  const stopping = new AbortController()
  let current = first

  async function watch(): Promise<void> {
    for (let failures = 0; ; ) {
      const since = performance.now()
      const ending = await current.exited
      if (performance.now() - since > stableAfterMs) failures = 0
      while (!stopping.signal.aborted && !(await startAgain(ending, failures))) failures++
      if (stopping.signal.aborted) return
      failures++
    }
  }

  async function startAgain(ending: string, failures: number): Promise<boolean> {
    try {
      await pause(backoff(failures), null, { signal: stopping.signal })
      current = await start(stopping.signal)
      replaced(current)
      report(`ended (${ending}) and was started again`)
      return true
    } catch (error) {
      if (stopping.signal.aborted) return false
      const seconds = backoff(failures + 1) / 1000
      report(`ended (${ending}) and does not start, next try in ${seconds} s: ${reasonOf(error)}`)
      return false
    }
  }

  const watching = watch()
  return {
    async stop() {
      stopping.abort()
      await current.stop() // ends the wait for its exit
      await watching
      await current.stop() // if it was restarted meanwhile
    },
  }
}

/**
 * Starts a service, reports its description and keeps it running.
 * @throws the error of the first start
 */
export async function bringUp<P extends RunningService>(
  name: string,
  start: (signal: AbortSignal) => Promise<P>,
  describe: (service: P) => string,
  { roster, report, signal }: Workspace,
): Promise<{ service: P; kept: KeptService }> {
  const startedAt = performance.now()
  const service = await start(signal)
  roster.set(name, service.pid)
  report(name, `${describe(service)}, ready after ${((performance.now() - startedAt) / 1000).toFixed(1)} s`)
  const replaced = (successor: P) => roster.set(name, successor.pid)
  return { service, kept: keepRunning(service, { start, replaced, report: text => report(name, text) }) }
}
