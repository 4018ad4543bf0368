// `npm run test:fuzz`: sends thousands of requests of every shape, from plain to broken, to NGINX and straight to a replica, and
// judges each answer (oracle.ts), and at the end what was counted, what was logged, which processes live and how much memory they
// take. cases/ has the grammar, exchange.ts the connection and its answers, http2.ts sends, reads and judges over HTTP/2,
// board.ts starts the stack. Exits 1 if anything is wrong.
//   npm run test:fuzz -- [--seed NUMBER] [--cases NUMBER] [--only CASE]

import { parseArgs } from 'node:util'
import fc from 'fast-check'
import { z } from 'zod'
import { UserError } from '../../web/server/errors.ts'
import { loopbackAddress } from '../faults/testbed/load.ts'
import { readLedger } from '../faults/trial/findings.ts'
import { runOnBuild } from '../launcher/stack/build.ts'
import { print, saySentences } from '../lib/terminal.ts'
import { type Board, openBoard } from './board.ts'
import { anyCase, bytesOf, caseAt, type FuzzCase, seedOfCase } from './cases/cases.ts'
import { markOf } from './cases/texts.ts'
import { findMiscounts, findMiscountsOfHttp2, type Sent } from './count.ts'
import { exchange } from './exchange.ts'
import { type SentHttp2, sendHttp2 } from './http2.ts'
import { isHasty, isSound, judge } from './oracle.ts'

/** connections open at the same time */
const lanes = 24
/** ms without a byte after which a case's client sends nothing more. A page view takes up to 2 s, or more on a busy machine. */
const patienceMs = 15_000
/** the same if the server may rightly wait for more bytes */
const impatienceMs = 400
/** failed cases after which no more are sent, and how many are reduced to a smaller case */
const failuresMax = 30
const reducedMax = 6
const reduceMs = 20_000
/** HTTP/2 cases, as a share of the others, after which they are sent */
const http2Share = 0.05
/** bytes that a replica's heap, and an NGINX, may grow in the second half of the cases */
const heapGrowthMax = 4 * 2 ** 20
const nginxGrowthMax = 16 * 2 ** 20
/** share of the cases that may get no number because the machine is busy */
const hasteMax = 0.005

type Options = { seed: number; cases: number; only: number | null }

const number = z
  .string()
  .regex(/^\d{1,9}$/)
  .transform(Number)
  .optional()
const flags = z.object({ seed: number, cases: number, only: number })

/** @throws UserError */
function readOptions(parameters: string[]): Options {
  try {
    const string = { type: 'string' } as const
    const { values } = parseArgs({ args: parameters, options: { seed: string, cases: string, only: string } })
    const { seed = Math.floor(Math.random() * 1e9), cases = 10_000, only = null } = flags.parse(values)
    return { seed, cases, only }
  } catch {
    throw new UserError('npm run test:fuzz -- [--seed NUMBER] [--cases NUMBER] [--only CASE]')
  }
}

/** Sends cases, and keeps a record of each. */
class Sender {
  readonly sent: Sent[] = []
  readonly #board: Board

  constructor(board: Board) {
    this.#board = board
  }

  /** @returns complaints */
  async send(fuzzCase: FuzzCase): Promise<{ complaints: string[]; isHasty: boolean; sent: Sent }> {
    const n = this.sent.length + 1
    const mark = markOf(n)
    const canary = `canary-${n}-`
    const from = loopbackAddress(21 + (n >> 16), n)
    const { srvId, asset } = this.#board
    const bytes = bytesOf(fuzzCase, { MARK: mark, ASSET: asset, SRVID: srvId, ADDRESS: from })
    const sent: Sent = { n, bytes, from, door: fuzzCase.door, exchange: null }
    this.sent.push(sent)
    const received = await exchange({
      place: this.#board.placeOf(fuzzCase.door, n),
      door: fuzzCase.door,
      bytes,
      canary,
      fuzzCase,
      from,
      patienceMs: isSound(fuzzCase) ? patienceMs : impatienceMs,
    })
    sent.exchange = received
    return {
      complaints: judge({ fuzzCase, bytes, canary, exchange: received }),
      isHasty: isHasty(received),
      sent,
    }
  }
}

type Failure = { n: number; complaints: string[]; sent: Sent }

/** @returns whether everything is well */
async function sendAll(board: Board, { seed, cases, only }: Options, signal: AbortSignal): Promise<boolean> {
  const sender = new Sender(board)
  const numbers = only === null ? Array.from({ length: cases }, (_, n) => n + 1) : [only]
  const connection = await board.testbed.database.connect()
  const before = await readLedger(connection, 0)
  const processes = board.processIds()
  const startedAt = performance.now()

  const failures: Failure[] = []
  const hasty: number[] = []
  const mayGoOn = () => failures.length < failuresMax && !signal.aborted
  const send = async (n: number) => {
    const { complaints, isHasty, sent } = await sender.send(caseAt(seed, n))
    if (complaints.length === 0) return
    if (isHasty) hasty.push(n)
    else failures.push({ n, complaints, sent })
  }
  // In the first half caches fill. So what grows in the second half is a leak.
  const half = Math.ceil(numbers.length / 2)
  await inLanes(numbers.slice(0, half), send, mayGoOn)
  const atHalf = await board.measureSettled()
  await inLanes(numbers.slice(half), send, mayGoOn)
  if (signal.aborted) return false
  const growth = growthOf(atHalf, await board.measureSettled())
  const seconds = (performance.now() - startedAt) / 1000
  for (const n of hasty) {
    const { complaints, sent } = await sender.send(caseAt(seed, n))
    if (complaints.length > 0) failures.push({ n, complaints, sent })
  }

  for (const failure of failures) printFailure(failure, seed)
  for (const { n } of failures.slice(0, reducedMax)) await reduce(n, seed, sender)
  const after = await readLedger(connection, before.counter)
  const http2 = await sendHttp2Cases(board, seed, only === null ? Math.ceil(cases * http2Share) : 0, mayGoOn)
  const last = await readLedger(connection, after.counter)
  await connection.end()
  if (signal.aborted) return false
  const wrong = [
    ...findMiscounts(sender.sent, before.counter, after),
    ...http2.complaints,
    ...findMiscountsOfHttp2(http2.sent, last),
    ...(only === null ? growth.filter(({ bytes, max }) => bytes > max) : []).map(
      ({ name, bytes, max }) =>
        `${name} took ${bytes} bytes more after the second half of the cases, and ${max} are no leak`,
    ),
    ...board.changesSince(processes),
    ...board.alarms(),
    ...board.excessMemory(),
    ...(hasty.length > Math.max(5, cases * hasteMax)
      ? [`${hasty.length} page views got no number in time, which a busy machine does not explain`]
      : []),
  ]
  for (const line of wrong) console.log(line)
  print(
    'fuzz',
    `${sender.sent.length} cases in ${seconds.toFixed(0)} s, ${after.logged.length} page views counted; ` +
      `${http2.sent.length} with HTTP/2 in ${http2.seconds.toFixed(0)} s, ${last.logged.length} counted`,
  )
  print('fuzz', `answers by status: ${countBy(sender.sent.flatMap(statusesOf))}`)
  print('fuzz', `connections: ${countBy(sender.sent.map(({ exchange }) => exchange?.end ?? 'refused'))}`)
  print(
    'fuzz',
    `memory: ${board
      .memory()
      .map(({ name, bytes }) => `${name} ${Math.round(bytes / 2 ** 20)} MB`)
      .join(', ')}`,
  )
  print(
    'fuzz',
    `memory, growth in the second half: ${growth
      .map(({ name, bytes }) => `${name} ${(bytes / 2 ** 20).toFixed(1)} MB`)
      .join(', ')}`,
  )
  if (hasty.length > 0)
    print('fuzz', `${hasty.length} page views were sent again, alone, because the machine was busy`)
  const isWell = failures.length + wrong.length === 0
  print(
    'fuzz',
    isWell
      ? 'every promise was kept'
      : `${failures.length} cases failed, and ${wrong.length} other things are wrong`,
  )
  return isWell
}

/** Calls `send` with each number, several at the same time. */
async function inLanes(
  numbers: number[],
  send: (n: number) => Promise<void>,
  mayGoOn: () => boolean,
): Promise<void> {
  const rest = numbers.values()
  const lane = async () => {
    for (const n of rest) {
      if (!mayGoOn()) return
      await send(n)
    }
  }
  await Promise.all(Array.from({ length: Math.min(lanes, numbers.length) }, lane))
}

type Memory = Awaited<ReturnType<Board['measureSettled']>>

/** How many bytes each process takes more than before, and how many are no leak. */
const growthOf = (before: Memory, after: Memory) =>
  after.map(({ name, bytes }) => ({
    name,
    bytes: bytes - (before.find(each => each.name === name)?.bytes ?? 0),
    max: name.startsWith('NGINX') ? nginxGrowthMax : heapGrowthMax,
  }))

async function sendHttp2Cases(board: Board, seed: number, cases: number, mayGoOn: () => boolean) {
  const startedAt = performance.now()
  const sent: SentHttp2[] = []
  const complaints: string[] = []
  const numbers = Array.from({ length: cases }, (_, at) => at + 1)
  const send = async (n: number) => {
    const one = await sendHttp2(board.placeOf('https', n), { seed, n, from: loopbackAddress(31, n) })
    sent.push(one)
    complaints.push(...one.complaints.map(complaint => `HTTP/2 case ${n}: ${complaint}`))
  }
  await inLanes(numbers, send, mayGoOn)
  return { sent, complaints, seconds: (performance.now() - startedAt) / 1000 }
}

const statusesOf = ({ exchange }: Sent) => exchange?.answers.map(({ status }) => String(status)) ?? []

function countBy(texts: string[]): string {
  const counts = [...Map.groupBy(texts, text => text)].map(([text, { length }]) => ({ text, length }))
  return counts
    .sort((a, b) => b.length - a.length)
    .map(({ text, length }) => `${text} ${length}`)
    .join(', ')
}

function printFailure({ n, complaints, sent }: Failure, seed: number): void {
  console.log(`\ncase ${n}, to ${sent.door}. To repeat it: npm run test:fuzz -- --seed ${seed} --only ${n}`)
  for (const complaint of complaints) console.log(`  ${complaint}`)
  console.log(`  sent: ${show(sent.bytes)}`)
  console.log(`  answers: ${statusesOf(sent).join(', ') || 'none'}; the connection: ${sent.exchange?.end}`)
}

const show = (bytes: string) =>
  JSON.stringify(bytes.length > 1500 ? `${bytes.slice(0, 1500)}… (${bytes.length} bytes)` : bytes)

/** Prints a smaller case that fails too. */
async function reduce(n: number, seed: number, sender: Sender): Promise<void> {
  const deadline = performance.now() + reduceMs
  let smallest: string | null = null
  const fails = async (fuzzCase: FuzzCase) => {
    if (performance.now() > deadline) return true
    const { complaints, isHasty, sent } = await sender.send(fuzzCase)
    if (complaints.length === 0 || isHasty) return true
    smallest = `${sent.door}: ${show(sent.bytes)}\n    ${complaints.join('\n    ')}`
    return false
  }
  await fc.check(fc.asyncProperty(anyCase, fails), { seed: seedOfCase(seed, n), numRuns: 1 })
  console.log(
    `case ${n} ${smallest === null ? 'does not fail when it is sent alone' : `reduced: ${smallest}`}`,
  )
}

await saySentences(async () => {
  const options = readOptions(process.argv.slice(2))
  await runOnBuild(async (folder, signal) => {
    await using board = await openBoard(folder, signal, print)
    console.log(`seed ${options.seed}`)
    return await sendAll(board, options, signal)
  })
})
