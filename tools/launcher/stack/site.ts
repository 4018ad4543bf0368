import { freePorts } from '../../lib/ports.ts'
import { stopStrayDatabase } from '../database-server/stray.ts'
import { checkRoom, type DataDir } from './data-dir.ts'
import { endLeftovers } from './end-leftovers.ts'
import { ownFolder } from './own-folder.ts'
import { openProcessRecord, type ProcessRecord, removeProcessRecord } from './process-record.ts'
import { openRoster, type Roster } from './roster.ts'
import { removeStackFile } from './stack-file.ts'
import type { Report, StackOptions } from './stack-options.ts'
import type { Undo } from './undo.ts'

/** The ground a stack is built on: a folder of its own, with nothing of an earlier one running in it. */
export type Site = {
  dataDir: DataDir
  record: ProcessRecord
  roster: Roster
  /** a port of 127.0.0.1 that is free now */
  freePort: () => Promise<number>
  undo: Undo
  report: Report
  signal: AbortSignal
}

export async function openSite(
  options: Pick<StackOptions, 'dataDir' | 'report' | 'signal'>,
  undo: Undo,
): Promise<Site> {
  const { report = () => {}, signal = new AbortController().signal } = options
  const { dataDir, lock } = await ownFolder(options.dataDir)
  undo.add(lock.release)
  await clear(dataDir, report)
  await checkRoom(dataDir)
  const record = openProcessRecord(dataDir.processes, unwritten(dataDir.processes, report))
  undo.add(() => removeProcessRecord(dataDir.processes))
  const ports = freePorts(dataDir.folder)
  const freePort = async () => (await ports.next()).value
  return { dataDir, record, roster: openRoster(), freePort, undo, report, signal }
}

/** Says, and no more, that a file about the running stack could not be written. */
export function unwritten(path: string, report: Report): (error: unknown) => void {
  return error =>
    report('launcher', `${path} is out of date: ${error instanceof Error ? error.message : error}`)
}

/** Ends what a launcher that was killed left behind. Only for who holds the lock. */
export async function clear(dataDir: DataDir, report: Report): Promise<void> {
  removeStackFile(dataDir.stackFile)
  const ended = await endLeftovers(dataDir.processes)
  if (await stopStrayDatabase(dataDir.database)) ended.push('database')
  if (ended.length > 0) report('cleanup', `ended what an earlier start left running: ${ended.join(', ')}`)
}
