import { z } from 'zod'

/** What a run of wrk saw. */
export type LoadResult = {
  /** page views a second: what was answered with an error is none */
  rate: number
  answers: number
  p50Ms: number
  p99Ms: number
  /** answers with a status of 400 or more, and those that never came */
  errors: number
  /** of an answer, its headers among them, on average */
  bytesEach: number
}

const line = z.object({
  answers: z.number(),
  microseconds: z.number().positive(),
  bytes: z.number(),
  status: z.number(),
  connect: z.number(),
  read: z.number(),
  write: z.number(),
  timeout: z.number(),
  p50: z.number(),
  p99: z.number(),
})

/** Reads what wrk printed: its own words, and among them the line of visitors.lua. @throws when there is none */
export function parseResult(output: string): LoadResult {
  const json = output.split('\n').find(text => text.startsWith('{'))
  if (json === undefined) throw new Error(`wrk said nothing of its result:\n${output}`)
  const told = line.parse(JSON.parse(json))
  return {
    rate: (told.answers - told.status) / (told.microseconds / 1e6),
    answers: told.answers,
    p50Ms: told.p50 / 1000,
    p99Ms: told.p99 / 1000,
    errors: told.status + told.connect + told.read + told.write + told.timeout,
    bytesEach: told.answers === 0 ? 0 : told.bytes / told.answers,
  }
}
