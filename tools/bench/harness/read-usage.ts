import { readFileSync } from 'node:fs'
import { listGroup } from '../../lib/process-table.ts'
import { parseUsage, type Usage } from './parse-usage.ts'

/** What the processes of these groups use together; a part of the stack is a group, its workers with it. */
export function readUsage(groups: number[]): Usage {
  const usages = groups
    .flatMap(group => listGroup(group))
    .map(({ pid }) => parseUsage(readFileSync(`/proc/${pid}/stat`, 'utf8')))
  const sum = (figure: (usage: Usage) => number) => usages.reduce((total, usage) => total + figure(usage), 0)
  return { cpuSeconds: sum(usage => usage.cpuSeconds), bytes: sum(usage => usage.bytes) }
}
