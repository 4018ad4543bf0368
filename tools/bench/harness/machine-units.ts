import { execFileSync } from 'node:child_process'

const ask = (name: string) => Number(execFileSync('getconf', [name], { encoding: 'utf8' }))

/** How long the clock tick is in which Linux counts processor time, in s, and how large its page of memory, in bytes. */
export const machineUnits = { tick: 1 / ask('CLK_TCK'), page: ask('PAGESIZE') }
