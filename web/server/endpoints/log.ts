import type { ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { z } from 'zod'
import type { LogRow } from '../../shared/api.ts'
import { logExportMax, logPage } from '../../shared/limits.ts'
import { type LogFilter, readLogPage } from '../db/log.ts'
import type { ReadPool } from '../db/pools.ts'
import { AnswerError, codeOf } from '../errors.ts'
import { type AddressMode, addressRange, showAddress } from '../http/client-address.ts'
import { parseParameters, positiveInteger } from '../http/request.ts'
import { type Endpoint, sendJson } from '../http/router.ts'

/** GET /api/log?before=&limit=&srv_id=&client_ip= answers a LogPage. */
export function logEndpoint({ read, addresses }: { read: ReadPool; addresses: AddressMode }): Endpoint {
  return async (_request, response, url) => {
    const { filter, ...place } = parseLogSelection(url.searchParams, addresses, logPage)
    const page = await readLogPage(read, filter, place, address => showAddress(address, addresses))
    sendJson(response, 200, page)
  }
}

/** The rows that a request selects. */
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

const maxExports = 2

/** Time limits that keep a slow client from holding one of the few export places; in ms. */
type ExportTimeouts = {
  /** the whole export */
  longestMs: number
  /** all waits for the client together, plus 10 ms per kilobyte sent */
  clientMs: number
  /** one wait. The kernels between the replica and a reader at the slowest allowed rate can hold some megabytes. */
  waitMs: number
  /** one wait, after which another client may take the place */
  stalledMs: number
}

const defaultTimeouts = { longestMs: 120_000, clientMs: 10_000, waitMs: 30_000, stalledMs: 5000 }

/** bytes per ms */
const slowestRate = 100

type Dependencies = { read: ReadPool; addresses: AddressMode } & Partial<ExportTimeouts>

/**
 * GET /api/log.csv streams the rows that /api/log pages through, with the same parameters; `limit` is at most 100,000. To
 * continue, pass the last row's id as `before`. An export that fails or whose client reads too slowly is cut off, so that the
 * client sees it as incomplete.
 */
export function logCsvEndpoint({ read, addresses, ...given }: Dependencies): Endpoint {
  const timeouts = { ...defaultTimeouts, ...given }
  const show = (address: string) => showAddress(address, addresses)
  const running = new Set<Export>()
  return async (request, response, url) => {
    const limit = { default: logExportMax, max: logExportMax }
    const selection = parseLogSelection(url.searchParams, addresses, limit)
    if (request.method === 'HEAD') {
      writeHead(response).end()
      return
    }
    if (running.size >= maxExports) {
      const stalled = [...running].find(one => one.stalledMs >= timeouts.stalledMs)
      if (!stalled) throw tooManyExports()
      stalled.cut()
      running.delete(stalled)
    }
    const own = new Export(timeouts)
    running.add(own)
    try {
      await send(response, own.watch(logRecords(read, selection, show)), own.signal)
    } finally {
      own.end()
      running.delete(own)
    }
  }
}

/** ms that the next wait may take for a client that was sent `bytes` and has kept the replica waiting for `waitedMs`. */
export function nextWaitMs(
  { clientMs, waitMs }: Pick<ExportTimeouts, 'clientMs' | 'waitMs'>,
  bytes: number,
  waitedMs: number,
): number {
  return Math.max(0, Math.min(waitMs, clientMs + bytes / slowestRate - waitedMs))
}

/** One running export, and how long it has waited for its client. */
class Export {
  readonly #timeouts: ExportTimeouts
  readonly #cut = new AbortController()
  readonly #overall: NodeJS.Timeout
  #clientTimer: NodeJS.Timeout | undefined
  #waitingSince: number | null = null
  #waitedMs = 0
  #bytes = 0

  constructor(timeouts: ExportTimeouts) {
    this.#timeouts = timeouts
    this.#overall = setTimeout(() => this.cut(), timeouts.longestMs)
  }

  /** aborted when the export is cut off */
  get signal(): AbortSignal {
    return this.#cut.signal
  }

  /** ms since the client last read something */
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

  /** Passes the texts on. The stream pulls the next one when it has room for it. */
  async *watch(texts: AsyncGenerator<string>): AsyncGenerator<string> {
    for await (const text of texts) {
      this.#bytes += text.length
      this.#waitForClient()
      yield text
      this.#waitedMs += this.stalledMs
      this.#waitingSince = null
      clearTimeout(this.#clientTimer)
    }
    // The client has not read the last text yet.
    this.#waitForClient()
  }

  #waitForClient(): void {
    this.#waitingSince = performance.now()
    this.#clientTimer = setTimeout(() => this.cut(), nextWaitMs(this.#timeouts, this.#bytes, this.#waitedMs))
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
  // Read the first rows before sending anything: an unavailable database is then still a 503.
  const first = await texts.next()
  writeHead(response).write(first.value ?? '')
  try {
    await pipeline(Readable.from(texts), response, { signal })
  } catch (error) {
    if (!isCutShort(error)) throw error
  }
}

/** The client disconnected, perhaps before the first rows were read, or its time was up: not an error. */
function isCutShort(error: unknown): boolean {
  return ['ERR_STREAM_PREMATURE_CLOSE', 'ERR_STREAM_UNABLE_TO_PIPE', 'ABORT_ERR'].includes(codeOf(error))
}

function writeHead(response: ServerResponse): ServerResponse {
  return response.writeHead(200, {
    'Content-Type': 'text/csv; charset=utf-8; header=present',
    'Content-Disposition': 'attachment; filename="balance-board-log.csv"',
    'Cache-Control': 'no-store',
  })
}

/** rows per query. Short queries let hits and pages run in between. */
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

/** The selected rows as CSV records after a header, one page of the log per text. */
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
    // Also yield when no row matched: if the client has disconnected, the scan ends here.
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

/** One record as in RFC 4180; null is an empty field. */
export function csvRecord(fields: (string | number | null)[]): string {
  return `${fields.map(field => quoted(String(field ?? ''))).join(',')}\r\n`
}

function quoted(field: string): string {
  const safe = escapeFormula(field)
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}

/**
 * Puts an apostrophe before a text that a spreadsheet would read as a formula.
 * Source: https://owasp.org/www-community/attacks/CSV_Injection
 */
function escapeFormula(field: string): string {
  return /^[=+\-@\t\r\n]/.test(field) ? `'${field}` : field
}
