import type { Plot } from './plot.ts'

/** What was found of one thing that grows: a table, and pictures of what matters in it by their files' names. */
export type Growth = { title: string; head: string[]; rows: string[][]; plots: Record<string, Plot> }
