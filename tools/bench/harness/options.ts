import { parseArgs } from 'node:util'

/** How much is measured. */
export type Extent = {
  connections: number
  rounds: number
  /** of one run */
  seconds: number
  /** of each measurement beside the comparison */
  targetSeconds: number
  dashboards: number
}

const full: Extent = { connections: 64, rounds: 5, seconds: 8, targetSeconds: 20, dashboards: 5000 }
/** Shows that all of it works, and says nothing about speed. */
const short: Extent = { connections: 16, rounds: 1, seconds: 1, targetSeconds: 2, dashboards: 100 }

/** @throws TypeError on an option that there is not */
export function parseOptions(args: string[]): { extent: Extent; json: boolean } {
  const { values } = parseArgs({
    args,
    options: { json: { type: 'boolean', default: false }, short: { type: 'boolean', default: false } },
  })
  return { extent: values.short ? short : full, json: values.json }
}
