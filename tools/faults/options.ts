import { parseArgs } from 'node:util'
import { z } from 'zod'
import { UserError } from '../../web/server/errors.ts'
import { brokenBuilds } from './broken-builds.ts'
import { allFaults } from './list/all.ts'
import type { Fault } from './testbed/fault.ts'

/** Options of `npm run test:faults -- …` */
export type Options = {
  faults: Fault[]
  /** pairs of faults at the same time, after the single faults */
  pairs: number
  seed: number
  markdown: boolean
  /** also prints the stack's messages about its processes */
  verbose: boolean
  /** a deliberately broken build, which the faults must detect */
  broken: (typeof brokenBuilds)[number] | null
}

const defaultPairs = 4

const flags = z.object({
  seed: z
    .string()
    .regex(/^\d{1,9}$/)
    .transform(Number)
    .optional(),
  only: z.array(z.string()).optional(),
  pairs: z
    .string()
    .regex(/^\d{1,3}$/)
    .transform(Number)
    .optional(),
  markdown: z.boolean().default(false),
  verbose: z.boolean().default(false),
  broken: z.string().optional(),
})

/** @throws UserError, which lists the valid names */
export function readOptions(parameters: string[], randomSeed: () => number): Options {
  const given = parseFlags(parameters)
  const broken = given.broken === undefined ? null : find(brokenBuilds, given.broken)
  const chosen = given.only?.map(name => find(allFaults, name))
  const faults = chosen ?? broken?.caughtBy ?? allFaults
  const pairs = given.pairs ?? (faults === allFaults ? defaultPairs : 0)
  const { seed = randomSeed(), markdown, verbose } = given
  return { faults, pairs, seed, markdown, verbose, broken }
}

function parseFlags(parameters: string[]): z.output<typeof flags> {
  try {
    const { values } = parseArgs({
      args: parameters,
      options: {
        seed: { type: 'string' },
        only: { type: 'string', multiple: true },
        pairs: { type: 'string' },
        markdown: { type: 'boolean' },
        verbose: { type: 'boolean' },
        broken: { type: 'string' },
      },
    })
    return flags.parse(values)
  } catch {
    throw new UserError(
      'npm run test:faults -- [--seed NUMBER] [--only FAULT]… [--pairs NUMBER] [--broken BUILD] [--markdown] [--verbose]',
    )
  }
}

function find<T extends { name: string }>(things: T[], name: string): T {
  const found = things.find(thing => thing.name === name)
  if (found) return found
  throw new UserError(
    `unknown name ${name}; the names are\n    ${things.map(thing => thing.name).join('\n    ')}`,
  )
}
