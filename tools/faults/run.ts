// `npm run test:faults`: injects each fault into a board under load, then random pairs of faults, and compares the answers
// that visitors got with the database. Exits 1 if a promise was broken.
// list/ holds the faults, testbed/ the board, its load and its equipment, trial/ runs one fault and judges it. A fault uses
// the testbed only; run.ts passes the chosen faults to trial/run-trials.ts.
//   npm run test:faults -- [--seed NUMBER] [--only FAULT]… [--pairs NUMBER] [--broken BUILD] [--markdown] [--verbose]

import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { z } from 'zod'
import { UserError } from '../../web/server/errors.ts'
import { runOnBuild } from '../launcher/stack/build.ts'
import { print, type Report, saySentences } from '../lib/terminal.ts'
import { brokenBuilds, buildBroken } from './broken-builds.ts'
import { allFaults } from './list/all.ts'
import { needsSpecialBoard } from './testbed/equipment.ts'
import { type Fault, randomPairs } from './testbed/fault.ts'
import { seededRandom } from './testbed/testbed.ts'
import { type Outcome, succeeded } from './trial/promises.ts'
import { openReport } from './trial/report.ts'
import { tryOnBoard } from './trial/run-trials.ts'

/** Options of `npm run test:faults -- …` */
type Options = {
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

/** page views started per second */
const perSecond = 350

/**
 * Starts boards in `folder`, injects the faults and reports each outcome.
 * @returns true if every promise was kept or, for a broken build, if each of its faults ran and detected it
 */
async function injectFaults(options: Options, folder: string, signal: AbortSignal): Promise<boolean> {
  const { seed, broken, pairs, faults } = options
  const random = seededRandom(seed)
  const report = openReport(options)
  report.say(`seed ${seed}, ${perSecond} page views a second${broken ? `; broken: ${broken.title}` : ''}`)
  const replica = broken && (await buildBroken(broken, join(folder, 'build')))
  const board = { random, statements: broken?.statements ?? [], ...(replica && { replica }) }
  const run = { perSecond, report, signal }

  const isUsual = (fault: Fault) => !needsSpecialBoard(fault)
  const combined = randomPairs(allFaults.filter(isUsual), pairs, random)
  const usual = [...faults.filter(isUsual), ...combined]
  const special = faults.filter(needsSpecialBoard)
  const outcomes: Outcome[] = [
    ...(await tryOnBoard({ ...board, dataDir: join(folder, 'board'), isSpecial: false }, usual, run)),
    ...(await tryOnBoard({ ...board, dataDir: join(folder, 'special'), isSpecial: true }, special, run)),
  ]
  if (signal.aborted) return false
  report.end(outcomes)
  return succeeded(outcomes, broken !== null)
}

if (import.meta.main) {
  await saySentences(async () => {
    const options = readOptions(process.argv.slice(2), () => Math.floor(Math.random() * 1e9))
    // With --markdown, standard output holds only the table.
    const progress: Report = options.markdown ? (part, text) => console.error(part, text) : print
    await runOnBuild((folder, signal) => injectFaults(options, folder, signal), progress)
  })
}
