import { readFile } from 'node:fs/promises'

/** Time of the processor that was used, in ms: what a shared machine cannot blur, other than time on the clock. */
export type ProcessorTime = { mainThread: number; wholeProcess: number }

/** Linux counts in hundredths of a second, wherever it runs. Source: proc(5), sysconf(_SC_CLK_TCK). */
const tickMs = 10

export async function readProcessorTime(pid: number): Promise<ProcessorTime> {
  const read = async (path: string) => ticksOf(await readFile(path, 'utf8')) * tickMs
  return {
    mainThread: await read(`/proc/${pid}/task/${pid}/stat`),
    wholeProcess: await read(`/proc/${pid}/stat`),
  }
}

/** utime + stime of a stat line. The second field is a name in brackets, which may hold anything. */
export function ticksOf(stat: string): number {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return Number(fields[11]) + Number(fields[12])
}
