import { readFileSync, rmSync } from 'node:fs'
import { z } from 'zod'
import { codeOf, UserError } from '../../../web/server/errors.ts'
import { freePorts } from '../../lib/ports.ts'
import { endGroup, findProcess, listGroup } from '../../lib/processes.ts'
import type { Report } from '../../lib/terminal.ts'
import { stopStrayDatabase } from '../database-server/start.ts'
import { checkRoom, checkSockets, type DataDir, ownFolder, removeStackFile, writeWhole } from './data-dir.ts'
import type { StackOptions } from './stack-options.ts'

/** The ground a stack is built on: a folder of its own, with nothing of an earlier one running in it. */
export type Workspace = {
  dataDir: DataDir
  record: ProcessRecord
  roster: Roster
  /** a port of 127.0.0.1 that is free now */
  freePort: () => Promise<number>
  /** what to stop or remove when the stack stops, in reverse order */
  resources: AsyncDisposableStack
  report: Report
  signal: AbortSignal
}

export async function openWorkspace(
  options: Pick<StackOptions, 'dataDir' | 'report' | 'signal'>,
  resources: AsyncDisposableStack,
): Promise<Workspace> {
  const { report = () => {}, signal = new AbortController().signal } = options
  const { dataDir, lock } = await ownFolder(options.dataDir)
  resources.defer(lock.release)
  await cleanUp(dataDir, report)
  await checkRoom(dataDir)
  await checkSockets(dataDir)
  const record = openProcessRecord(dataDir.processes, unwritten(dataDir.processes, report))
  resources.defer(() => removeProcessRecord(dataDir.processes))
  const ports = freePorts(dataDir.folder)
  const freePort = async () => (await ports.next()).value
  return { dataDir, record, roster: openRoster(), freePort, resources, report, signal }
}

/** Says, and no more, that a file about the running stack could not be written. */
export function unwritten(path: string, report: Report): (error: unknown) => void {
  return error =>
    report('launcher', `${path} is out of date: ${error instanceof Error ? error.message : error}`)
}

/** Ends what a launcher that was killed left behind. Only for who holds the lock. */
export async function cleanUp(dataDir: DataDir, report: Report): Promise<void> {
  removeStackFile(dataDir.stackFile)
  const ended = await endLeftovers(dataDir.processes)
  if (await stopStrayDatabase(dataDir.database)) ended.push('database')
  if (ended.length > 0) report('cleanup', `ended what an earlier start left running: ${ended.join(', ')}`)
}

/** Which process each part of the stack is at this moment; a part has a new one each time it is started again. */
export type Roster = {
  set: (part: string, pid: number) => void
  pidOf: (part: string) => number
  /** `listener` is told of every change from now on */
  onChange: (listener: () => void) => void
}

export function openRoster(): Roster {
  const pids = new Map<string, number>()
  const listeners: (() => void)[] = []
  return {
    set(part, pid) {
      pids.set(part, pid)
      for (const listener of listeners) listener()
    },
    pidOf(part) {
      const pid = pids.get(part)
      if (pid === undefined) throw new Error(`${part} has not been started`)
      return pid
    },
    onChange: listener => listeners.push(listener),
  }
}

const schema = z.array(
  z.object({
    /** which part of the stack: "nginx", "web-2" */
    part: z.string(),
    pid: z.int().positive(),
    command: z.string(),
    started: z.string(),
  }),
)

type RecordedProcess = z.output<typeof schema>[number]

/** What the launcher has started and not yet seen end, kept on disk for the case that it is killed itself. */
export type ProcessRecord = { add: (part: string, pid: number) => void; remove: (pid: number) => void }

/**
 * Begins an empty record. What cannot be written is told to `failed`: on a disk that has filled up the stack goes on,
 * and only what a killed launcher leaves behind would not be known.
 */
export function openProcessRecord(path: string, failed: (error: unknown) => void): ProcessRecord {
  let processes: RecordedProcess[] = []
  const keep = (changed: RecordedProcess[]) => {
    processes = changed
    try {
      writeWhole(path, JSON.stringify(processes, null, 2))
    } catch (error) {
      failed(error)
    }
  }
  return {
    add(part, pid) {
      const entry = findProcess(pid)
      if (entry) keep([...processes, { part, pid, command: entry.command, started: entry.started }])
    },
    remove(pid) {
      keep(processes.filter(process => process.pid !== pid))
    },
  }
}

/** What a launcher before this one left on record; empty when it stopped in order. */
function readProcessRecord(path: string): RecordedProcess[] {
  try {
    return schema.parse(JSON.parse(readFileSync(path, 'utf8')))
  } catch {
    return [] // none, or cut short by a crash of the machine, which ended them too
  }
}

function removeProcessRecord(path: string): void {
  rmSync(path, { force: true })
}

/** How long a leftover may take to end in order, in ms; a replica drains for a second. */
const patience = 5_000

/**
 * Ends what a launcher that was killed left running, the last started first, and returns the names of the parts.
 * Only for who holds the lock. Throws UserError when one does not end.
 */
async function endLeftovers(path: string): Promise<string[]> {
  const leftovers = readProcessRecord(path).filter(stillRuns).reverse()
  for (const leftover of leftovers) await end(leftover)
  removeProcessRecord(path)
  return leftovers.map(({ part }) => part)
}

/** Process ids are given out again, so an id alone proves nothing. */
function stillRuns({ pid, command, started }: RecordedProcess): boolean {
  const leader = findProcess(pid)
  if (leader) return leader.started === started
  // The workers of a killed NGINX go on, and keep its port. No other process gets an id that still names a group.
  return listGroup(pid).some(member => member.command === command)
}

async function end({ part, pid }: RecordedProcess): Promise<void> {
  const left = `process ${pid} (${part}) of an earlier start still runs`
  try {
    if (await endGroup(pid, 'SIGTERM', patience)) return
  } catch (error) {
    if (codeOf(error) !== 'EPERM') throw error
    throw new UserError(`${left} and belongs to another user: end it, then start again`)
  }
  throw new UserError(`${left} and cannot be ended: end it, then start again`)
}
