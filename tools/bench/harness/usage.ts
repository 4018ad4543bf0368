import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { listGroup } from '../../lib/processes.ts'

const getconf = (name: string) => Number(execFileSync('getconf', [name], { encoding: 'utf8' }))

/** How long the clock tick is in which Linux counts processor time, in s, and how large its page of memory, in bytes. */
const machineUnits = { tick: 1 / getconf('CLK_TCK'), page: getconf('PAGESIZE') }

type Usage = {
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

/** What the processes of these groups use together; a part of the stack is a group, its workers with it. */
export function readUsage(groups: number[]): Usage {
  const usages = groups
    .flatMap(group => listGroup(group))
    .map(({ pid }) => parseUsage(readFileSync(`/proc/${pid}/stat`, 'utf8')))
  const sum = (figure: (usage: Usage) => number) => usages.reduce((total, usage) => total + figure(usage), 0)
  return { cpuSeconds: sum(usage => usage.cpuSeconds), bytes: sum(usage => usage.bytes) }
}

/** Begins to measure; the function returned says how many cores these process groups had in use since, on average. */
export function watchCores(groups: number[]): () => number {
  const begun = performance.now()
  const before = readUsage(groups).cpuSeconds
  return () => {
    const seconds = (performance.now() - begun) / 1000
    return (readUsage(groups).cpuSeconds - before) / seconds
  }
}
