import { parseArgs } from 'node:util'
import { z } from 'zod'
import { mostReplicas } from '../../launcher/database-server/server-program.ts'

/** How much is measured */
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
/** Checks that everything works, and says nothing about speed. */
const short: Extent = { connections: 16, rounds: 1, seconds: 1, targetSeconds: 2, dashboards: 100 }

/** @throws TypeError on an unknown option */
export function parseBenchOptions(args: string[]): { extent: Extent; json: boolean } {
  const { values } = parseArgs({
    args,
    options: { json: { type: 'boolean', default: false }, short: { type: 'boolean', default: false } },
  })
  return { extent: values.short ? short : full, json: values.json }
}

type GrowthOptions = { short: boolean; json: boolean; only: string[] }

/** @param names of all parts, which are the default of `only` @throws TypeError on an unknown option or part */
export function parseGrowthOptions(args: string[], names: string[]): GrowthOptions {
  const { values } = parseArgs({
    args,
    options: {
      json: { type: 'boolean', default: false },
      short: { type: 'boolean', default: false },
      only: { type: 'string', multiple: true, default: names },
    },
  })
  const unknown = values.only.find(name => !names.includes(name))
  if (unknown !== undefined) throw new TypeError(`unknown name ${unknown}; the names are ${names.join(', ')}`)
  return values
}

type PageBenchOptions = {
  /** of each of the three long measurements: processor time twice, and the trace */
  seconds: number
  /** number of servers of each board; boards run one after the other */
  replicas: number[]
  json: boolean
}

const seconds = z.coerce.number().int().min(2).max(600)
const replicas = z.array(z.coerce.number().int().min(1).max(mostReplicas))

/** @throws TypeError or ZodError on an invalid option */
export function parsePageOptions(args: string[]): PageBenchOptions {
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
