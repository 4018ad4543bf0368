import { readFileSync, rmSync } from 'node:fs'
import { z } from 'zod'
import { findProcess } from '../../lib/process-table.ts'
import { writeWhole } from './write-whole.ts'

const schema = z.array(
  z.object({
    /** which part of the stack: "nginx", "web-2" */
    part: z.string(),
    pid: z.int().positive(),
    command: z.string(),
    started: z.string(),
  }),
)

export type RecordedProcess = z.output<typeof schema>[number]

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
export function readProcessRecord(path: string): RecordedProcess[] {
  try {
    return schema.parse(JSON.parse(readFileSync(path, 'utf8')))
  } catch {
    return [] // none, or cut short by a crash of the machine, which ended them too
  }
}

export function removeProcessRecord(path: string): void {
  rmSync(path, { force: true })
}
