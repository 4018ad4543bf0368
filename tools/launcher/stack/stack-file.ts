import { readFileSync, rmSync } from 'node:fs'
import { z } from 'zod'
import { writeWhole } from './write-whole.ts'

const schema = z.object({
  /** where the board is */
  url: z.string(),
  /** mysql://user:password@127.0.0.1:port/database, of the account that owns the tables; replicas have another */
  databaseUrl: z.string(),
  nginx: z.object({ pid: z.number() }),
  database: z.object({ pid: z.number() }),
  replicas: z.array(z.object({ name: z.string(), pid: z.number(), address: z.string(), srv_id: z.string() })),
})

/** What stack.json says while the stack runs. */
export type StackFile = z.output<typeof schema>

/** Null when no stack runs there. */
export function readStackFile(path: string): StackFile | null {
  try {
    return schema.parse(JSON.parse(readFileSync(path, 'utf8')))
  } catch {
    return null
  }
}

export function writeStackFile(path: string, stack: StackFile): void {
  writeWhole(path, JSON.stringify(stack, null, 2))
}

export function removeStackFile(path: string): void {
  rmSync(path, { force: true })
}
