import { readFileSync, rmSync } from 'node:fs'
import { z } from 'zod'
import { codeOf, reasonOf, UserError } from '../../../web/server/errors.ts'
import { freePorts } from '../../lib/ports.ts'
import { endGroup, findProcess, listGroup } from '../../lib/processes.ts'
import type { Report } from '../../lib/terminal.ts'
import { stopStrayDatabase } from '../database-server/start.ts'
import {
  checkRoom,
  checkSockets,
  type DataDir,
  lockDataDir,
  removeStackFiles,
  writeAtomically,
} from './data-dir.ts'
import type { StackOptions } from './stack-options.ts'

/** The locked data folder of a stack, without processes of an earlier stack, and what all services share. */
export type Workspace = {
  dataDir: DataDir
  record: ProcessRecord
  roster: Roster
  /** returns a port of 127.0.0.1 that is free now */
  freePort: () => Promise<number>
  /** stopped or removed in reverse order when the stack stops */
  resources: AsyncDisposableStack
  report: Report
  signal: AbortSignal
}

export async function openWorkspace(
  options: Pick<StackOptions, 'dataDir' | 'report' | 'signal'> & {
    /** what uses the folder, for the message if it does already; default: a board */
    what?: string
  },
  resources: AsyncDisposableStack,
): Promise<Workspace> {
  const { report = () => {}, signal = new AbortController().signal } = options
  const { dataDir, lock } = await lockDataDir(options.dataDir, options.what)
  resources.defer(lock.release)
  await cleanUp(dataDir, report)
  await checkRoom(dataDir)
  await checkSockets(dataDir)
  const record = openProcessRecord(dataDir.processes, outOfDateWarning(dataDir.processes, report))
  resources.defer(() => removeProcessRecord(dataDir.processes))
  const ports = freePorts(dataDir.folder)
  const freePort = async () => (await ports.next()).value
  return { dataDir, record, roster: openRoster(), freePort, resources, report, signal }
}

/** Returns a function that reports that a file about the running stack could not be written. */
export function outOfDateWarning(path: string, report: Report): (error: unknown) => void {
  return error => report('launcher', `${path} is out of date: ${reasonOf(error)}`)
}

/** Ends the processes that a killed launcher left. The caller must hold the lock. */
export async function cleanUp(dataDir: DataDir, report: Report): Promise<void> {
  removeStackFiles(dataDir)
  const ended = await endLeftovers(dataDir.processes)
  if (await stopStrayDatabase(dataDir.database)) ended.push('database')
  if (ended.length > 0) report('cleanup', `ended processes of an earlier start: ${ended.join(', ')}`)
}

/** The current process of each service. A restarted service has another process. */
export type Roster = {
  set: (service: string, pid: number) => void
  pidOf: (service: string) => number
  /** `listener` is called after every later change */
  onChange: (listener: () => void) => void
}

export function openRoster(): Roster {
  const pids = new Map<string, number>()
  const listeners: (() => void)[] = []
  return {
    set(service, pid) {
      pids.set(service, pid)
      for (const listener of listeners) listener()
    },
    pidOf(service) {
      const pid = pids.get(service)
      if (pid === undefined) throw new Error(`${service} has not been started`)
      return pid
    },
    onChange: listener => listeners.push(listener),
  }
}

const schema = z.array(
  z.object({
    /** "nginx", "web-2" */
    service: z.string(),
    pid: z.int().positive(),
    command: z.string(),
    started: z.string(),
  }),
)

type RecordedProcess = z.output<typeof schema>[number]

/** The launcher's running processes, on disk: if the launcher is killed, the next one ends them. */
export type ProcessRecord = { add: (service: string, pid: number) => void; remove: (pid: number) => void }

/**
 * Begins an empty record. `failed` gets write errors: on a full disk the stack goes on, but the next launcher may not find the
 * processes of a killed one.
 */
export function openProcessRecord(path: string, failed: (error: unknown) => void): ProcessRecord {
  let processes: RecordedProcess[] = []
  const keep = (changed: RecordedProcess[]) => {
    processes = changed
    try {
      writeAtomically(path, JSON.stringify(processes, null, 2))
    } catch (error) {
      failed(error)
    }
  }
  return {
    add(service, pid) {
      const entry = findProcess(pid)
      if (entry) keep([...processes, { service, pid, command: entry.command, started: entry.started }])
    },
    remove(pid) {
      keep(processes.filter(process => process.pid !== pid))
    },
  }
}

/** The record of an earlier launcher; empty if that stopped in order. */
function readProcessRecord(path: string): RecordedProcess[] {
  try {
    return schema.parse(JSON.parse(readFileSync(path, 'utf8')))
  } catch {
    return [] // missing, or incomplete after a crash of the machine, which ended the processes too
  }
}

function removeProcessRecord(path: string): void {
  rmSync(path, { force: true })
}

/** ms for a process to end in order; a replica drains for a second */
const endTimeoutMs = 5_000

/**
 * Ends the processes that a killed launcher left, the last started first. The caller must hold the lock.
 * @returns the names of their services
 * @throws UserError if a process does not end
 */
async function endLeftovers(path: string): Promise<string[]> {
  const leftovers = readProcessRecord(path).filter(stillRuns).reverse()
  for (const leftover of leftovers) await end(leftover)
  removeProcessRecord(path)
  return leftovers.map(({ service }) => service)
}

/** Compares start times, because another process can have the same id. */
function stillRuns({ pid, command, started }: RecordedProcess): boolean {
  const leader = findProcess(pid)
  if (leader) return leader.started === started
  // The workers of a killed NGINX go on and keep its port. The system does not reuse the id of an existing group.
  return listGroup(pid).some(member => member.command === command)
}

async function end({ service, pid }: RecordedProcess): Promise<void> {
  const stillRunning = `process ${pid} (${service}) of an earlier start still runs`
  try {
    if (await endGroup(pid, 'SIGTERM', endTimeoutMs)) return
  } catch (error) {
    if (codeOf(error) !== 'EPERM') throw error
    throw new UserError(`${stillRunning} and belongs to another user: end it, then start again`)
  }
  throw new UserError(`${stillRunning} and does not end: end it, then start again`)
}
