import { machineUnits } from './machine-units.ts'

export type Usage = {
  /** processor time since the start, in the program and in the system for it, in s */
  cpuSeconds: number
  /** resident memory */
  bytes: number
}

/** Reads /proc/PID/stat. Source: proc_pid_stat(5), fields 14, 15 and 24 */
export function parseUsage(stat: string, { tick, page } = machineUnits): Usage {
  // The command, field 2, stands in parentheses and may hold spaces.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const field = (n: number) => Number(fields[n - 3])
  return { cpuSeconds: (field(14) + field(15)) * tick, bytes: field(24) * page }
}
