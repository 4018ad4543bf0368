import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { answers } from '../../lib/answers.ts'
import { endGroup, signalGroup } from '../../lib/end-group.ts'
import { untilHung } from '../../lib/liveness.ts'
import { lastLines, openLog } from '../../lib/log-file.ts'
import { StackFailure } from '../../lib/stack-failure.ts'
import type { ProcessRecord } from './process-record.ts'
import type { RunningPart } from './running-part.ts'

export type PartToSpawn = {
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
 * terminal reaches the launcher alone, which stops all in order. Throws StackFailure with what its log said last;
 * then, as after an abort, nothing of it is left.
 */
export async function spawnPart(part: PartToSpawn, signal: AbortSignal): Promise<RunningPart> {
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
    throw new StackFailure(`${name} ${failed}: ${await lastWords(part.log)}`)
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

async function spawnLogged({ name, program, arguments: options, cwd, environment, log }: PartToSpawn) {
  const file = await openLog(log)
  try {
    const stdio = ['ignore', file.fd, file.fd] as const
    const child = spawn(program, options, { cwd, env: environment, detached: true, stdio: [...stdio] })
    await once(child, 'spawn')
    return child
  } catch (error) {
    throw new StackFailure(`${name} cannot be started: ${error instanceof Error ? error.message : error}`)
  } finally {
    await file.close()
  }
}

async function lastWords(log: string): Promise<string> {
  const said = await lastLines(log, 4)
  return said ? `${log} says\n    ${said.replaceAll('\n', '\n    ')}` : `${log} is empty`
}
