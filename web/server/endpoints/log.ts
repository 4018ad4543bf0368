import type { ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { z } from 'zod'
import type { LogRow } from '../../shared/api.ts'
import { type LogFilter, readLogPage } from '../db/log.ts'
import type { ReadPool } from '../db/pools.ts'
import { AnswerError, codeOf } from '../errors.ts'
import { type AddressMode, addressRange, showAddress } from '../http/client-address.ts'
import { parseParameters, positiveInteger } from '../http/request.ts'
import { type Endpoint, sendJson } from '../http/router.ts'

/** GET /api/log?before=&limit=&srv_id=&client_ip= answers a LogPage. */
export function logEndpoint({ read, addresses }: { read: ReadPool; addresses: AddressMode }): Endpoint {
  return async (_request, response, url) => {
    const { filter, ...place } = parseLogSelection(url.searchParams, addresses, { default: 50, max: 200 })
    const page = await readLogPage(read, filter, place, address => showAddress(address, addresses))
    sendJson(response, 200, page)
  }
}

/** What a request asks of the log. */
type LogSelection = { filter: LogFilter; before: number; limit: number }

const srvId = z.string().regex(/^[0-9a-f]{32}$/, 'must be 32 lowercase hex digits, as in the cookie')

/** @throws BadParameter */
function parseLogSelection(
  query: URLSearchParams,
  addresses: AddressMode,
  limit: { default: number; max: number },
): LogSelection {
  const parameters = parseParameters(query, {
    before: positiveInteger().default(Number.MAX_SAFE_INTEGER),
    limit: positiveInteger(limit.max).default(limit.default),
    srv_id: srvId.optional(),
    client_ip: z.string().optional(),
  })
  const { client_ip } = parameters
  return {
    filter: {
      srvId: parameters.srv_id ?? null,
      clientAddresses: client_ip === undefined ? null : addressRange(client_ip, addresses),
    },
    before: parameters.before,
    limit: parameters.limit,
  }
}

const maxRows = 100_000
const maxExports = 2

/** How long a client that hardly reads may keep one of the few places, in ms. */
type ExportPatience = {
  /** the whole export */
  longestMs: number
  /** all waits for the client together: so much, and 10 ms more for each kilobyte */
  clientMs: number
  /** one wait: between a reader as slow as allowed and the replica, the kernels can hold some megabytes */
  waitMs: number
  /** one wait after which another client that wants a place gets this one */
  stalledMs: number
}

const defaultPatience = { longestMs: 120_000, clientMs: 10_000, waitMs: 30_000, stalledMs: 5000 }

/** bytes a ms */
const slowestRate = 100

type Dependencies = { read: ReadPool; addresses: AddressMode } & Partial<ExportPatience>

/**
 * GET /api/log.csv streams the rows that /api/log pages through, under the same parameters; `limit` up to 100,000. To
 * go on, give the last row's id as `before`. An export that fails on its way, or whose client reads too slowly, is cut off,
 * so that it does not pass for a whole one.
 */
export function logCsvEndpoint({ read, addresses, ...given }: Dependencies): Endpoint {
  const patience = { ...defaultPatience, ...given }
  const show = (address: string) => showAddress(address, addresses)
  const running = new Set<Export>()
  return async (request, response, url) => {
    const selection = parseLogSelection(url.searchParams, addresses, { default: maxRows, max: maxRows })
    if (request.method === 'HEAD') {
      writeHead(response).end()
      return
    }
    if (running.size >= maxExports) {
      const stalled = [...running].find(one => one.stalledMs >= patience.stalledMs)
      if (!stalled) throw tooManyExports()
      stalled.cut()
      running.delete(stalled)
    }
    const own = new Export(patience)
    running.add(own)
    try {
      await send(response, own.watch(logRecords(read, selection, show)), own.signal)
    } finally {
      own.end()
      running.delete(own)
    }
  }
}

/** How long the next wait for a client may take that was given `bytes` and let the replica wait for `waitedMs`; in ms. */
export function nextWaitMs(
  { clientMs, waitMs }: Pick<ExportPatience, 'clientMs' | 'waitMs'>,
  bytes: number,
  waitedMs: number,
): number {
  return Math.max(0, Math.min(waitMs, clientMs + bytes / slowestRate - waitedMs))
}

/** One export, and how long it has waited for its client. */
class Export {
  readonly #patience: ExportPatience
  readonly #cut = new AbortController()
  readonly #overall: NodeJS.Timeout
  #clientTimer: NodeJS.Timeout | undefined
  #waitingSince: number | null = null
  #waitedMs = 0
  #bytes = 0

  constructor(patience: ExportPatience) {
    this.#patience = patience
    this.#overall = setTimeout(() => this.cut(), patience.longestMs)
  }

  /** aborted when it is cut off */
  get signal(): AbortSignal {
    return this.#cut.signal
  }

  /** for how long its client has taken nothing, in ms */
  get stalledMs(): number {
    return this.#waitingSince === null ? 0 : performance.now() - this.#waitingSince
  }

  cut(): void {
    this.#cut.abort()
  }

  end(): void {
    clearTimeout(this.#overall)
    clearTimeout(this.#clientTimer)
  }

  /** Passes the texts on. Whoever reads them asks for the next one when there is room for it. */
  async *watch(texts: AsyncGenerator<string>): AsyncGenerator<string> {
    for await (const text of texts) {
      this.#bytes += text.length
      this.#waitForClient()
      yield text
      this.#waitedMs += this.stalledMs
      this.#waitingSince = null
      clearTimeout(this.#clientTimer)
    }
    // The last text is yet to be taken.
    this.#waitForClient()
  }

  #waitForClient(): void {
    this.#waitingSince = performance.now()
    this.#clientTimer = setTimeout(() => this.cut(), nextWaitMs(this.#patience, this.#bytes, this.#waitedMs))
  }
}

function tooManyExports(): AnswerError {
  const message = `${maxExports} exports are running on this server already; try again in a moment`
  return new AnswerError(503, 'too_many_exports', message, { retryAfter: 5 })
}

async function send(
  response: ServerResponse,
  texts: AsyncGenerator<string>,
  signal: AbortSignal,
): Promise<void> {
  // The first rows are read before anything is sent: a database that cannot be read is still a 503.
  const first = await texts.next()
  writeHead(response).write(first.value ?? '')
  try {
    await pipeline(Readable.from(texts), response, { signal })
  } catch (error) {
    if (!isCutShort(error)) throw error
  }
}

/** The client has left, or its time was up: there is nobody to tell, and nothing that failed. */
function isCutShort(error: unknown): boolean {
  return ['ERR_STREAM_PREMATURE_CLOSE', 'ABORT_ERR'].includes(codeOf(error))
}

function writeHead(response: ServerResponse): ServerResponse {
  return response.writeHead(200, {
    'Content-Type': 'text/csv; charset=utf-8; header=present',
    'Content-Disposition': 'attachment; filename="balance-board-log.csv"',
    'Cache-Control': 'no-store',
  })
}

/** rows read at once: short queries, between which hits and pages have their turn */
const chunkRows = 1000

const header = csvRecord([
  'id',
  'at',
  'client_ip',
  'srv_id',
  'server',
  'arrival',
  'moved_from_srv_id',
  'moved_from_server',
])

/** The selected rows as records under a header, a page of the log at a time. */
async function* logRecords(
  read: ReadPool,
  { filter, before, limit }: LogSelection,
  showAddress: (address: string) => string,
): AsyncGenerator<string> {
  let next: number | null = before
  let left = limit
  let text = header
  while (next !== null && left > 0) {
    const place = { before: next, limit: Math.min(left, chunkRows) }
    const page = await readLogPage(read, filter, place, showAddress)
    // Also where nothing was found: it is here that the walk can end, should the client have left.
    yield text + page.rows.map(record).join('')
    text = ''
    next = page.next
    left -= page.rows.length
  }
}

function record({ id, at, client_ip, srv_id, server, arrival, moved_from }: LogRow): string {
  const from = moved_from ?? { srv_id: null, name: null }
  return csvRecord([id, at, client_ip, srv_id, server, arrival, from.srv_id, from.name])
}

/** One record as RFC 4180 has it; null is an empty field. */
export function csvRecord(fields: (string | number | null)[]): string {
  return `${fields.map(field => quoted(String(field ?? ''))).join(',')}\r\n`
}

function quoted(field: string): string {
  const safe = escapeFormula(field)
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}

/**
 * A spreadsheet takes a text that begins like this for a formula; after an apostrophe it is a text.
 * Source: https://owasp.org/www-community/attacks/CSV_Injection
 */
function escapeFormula(field: string): string {
  return /^[=+\-@\t\r\n]/.test(field) ? `'${field}` : field
}
