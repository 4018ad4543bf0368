import { parseArgs } from 'node:util'
import { z } from 'zod'

/** What is measured, and for how long. */
export type PageBenchOptions = {
  /** of each of the two long measurements, the processor's time and the trace */
  seconds: number
  /** boards, one after the other, of so many servers each */
  replicas: number[]
  json: boolean
}

const seconds = z.coerce.number().int().min(2).max(600)
const replicas = z.array(z.coerce.number().int().min(1).max(50))

/** @throws TypeError or ZodError on an option that cannot be used */
export function parseOptions(args: string[]): PageBenchOptions {
  const { values } = parseArgs({
    args,
    options: {
      seconds: { type: 'string', default: '60' },
      replicas: { type: 'string', default: '3,10' },
      json: { type: 'boolean', default: false },
    },
  })
  return {
    seconds: seconds.parse(values.seconds),
    replicas: replicas.parse(values.replicas.split(',')),
    json: values.json,
  }
}
