import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { listGroup } from '../../lib/processes.ts'

const getconf = (name: string) => Number(execFileSync('getconf', [name], { encoding: 'utf8' }))

/** Linux's clock tick in s, and its memory page in bytes */
const machineUnits = { tick: 1 / getconf('CLK_TCK'), page: getconf('PAGESIZE') }

type Usage = {
  /** user and system processor time since the start, in s */
  cpuSeconds: number
  /** resident memory */
  bytes: number
}

/** Parses /proc/PID/stat. Source: proc_pid_stat(5), fields 14, 15 and 24 */
export function parseUsage(stat: string, { tick, page } = machineUnits): Usage {
  // Field 2, the command in parentheses, may contain spaces and parentheses.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const field = (n: number) => Number(fields[n - 3])
  return { cpuSeconds: (field(14) + field(15)) * tick, bytes: field(24) * page }
}

/** Total usage of these process groups; a process of the stack is a group with its workers. */
export function readUsage(groups: number[]): Usage {
  const usages = groups
    .flatMap(group => listGroup(group))
    .map(({ pid }) => parseUsage(readFileSync(`/proc/${pid}/stat`, 'utf8')))
  const sum = (figure: (usage: Usage) => number) => usages.reduce((total, usage) => total + figure(usage), 0)
  return { cpuSeconds: sum(usage => usage.cpuSeconds), bytes: sum(usage => usage.bytes) }
}

/**
 * Processor s of the thread of this name since its start.
 * Source: the kernel's Documentation/scheduler/sched-stats.rst, "/proc/<pid>/schedstat"
 * @throws unless the process has exactly one
 */
export function readThreadSeconds(pid: number, name: string): number {
  const threads = readdirSync(`/proc/${pid}/task`).map(id => `/proc/${pid}/task/${id}`)
  const [thread, ...others] = threads.filter(path => readFileSync(`${path}/comm`, 'utf8').trim() === name)
  if (thread === undefined || others.length > 0)
    throw new Error(`process ${pid} has ${thread ? others.length + 1 : 'no'} threads with the name ${name}`)
  return Number.parseInt(readFileSync(`${thread}/schedstat`, 'utf8'), 10) / 1e9
}

/** Starts a measurement. The returned function gives the average number of cores these process groups used since. */
export function watchCores(groups: number[]): () => number {
  const startedAt = performance.now()
  const before = readUsage(groups).cpuSeconds
  return () => {
    const seconds = (performance.now() - startedAt) / 1000
    return (readUsage(groups).cpuSeconds - before) / seconds
  }
}

/**
 * Processor s of this process, and of its children that have ended, as wrk. Source: proc_pid_stat(5), fields 14 to 17
 */
export function ownUsage(stat = readFileSync('/proc/self/stat', 'utf8'), { tick } = machineUnits) {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const [user = 0, system = 0, ofChildren = 0, systemOfChildren = 0] = fields.slice(11, 15).map(Number)
  return { self: (user + system) * tick, children: (ofChildren + systemOfChildren) * tick }
}

/** Processor s of all cores in which none worked, since the boot. Source: proc_stat(5), the line of all processors */
export function idleSeconds(stat = readFileSync('/proc/stat', 'utf8'), { tick } = machineUnits): number {
  const [, , , , idle = 0, waiting = 0] = stat.split('\n', 1)[0]?.split(/ +/).map(Number) ?? []
  return (idle + waiting) * tick
}
