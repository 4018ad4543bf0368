import type { ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { LogRow } from '../answers.ts'
import type { ReadPool } from '../database/pools.ts'
import { readLogPage } from '../database/read-log-page.ts'
import { type AddressMode, showAddress } from '../http/client-address.ts'
import type { Endpoint } from '../http/endpoint.ts'
import { AnswerError } from '../http/errors.ts'
import { csvRecord } from './csv.ts'
import { type LogSelection, parseLogSelection } from './log-selection.ts'

const maxRows = 100_000
/** rows read at once: short queries, between which hits and pages have their turn */
const chunkRows = 1000
const maxExports = 2
/** the longest an export may take, in ms: a client that hardly reads must not keep one of the few for ever */
const maxDuration = 120_000

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

/**
 * GET /api/log.csv streams the rows that /api/log pages through, under the same parameters; `limit` up to 100,000. To
 * go on, give the last row's id as `before`. An export that fails on its way is cut off, so that it does not pass for
 * a whole one.
 */
export function logCsvEndpoint({ read, addresses }: { read: ReadPool; addresses: AddressMode }): Endpoint {
  let running = 0
  return async (request, response, url) => {
    const selection = parseLogSelection(url.searchParams, addresses, { default: maxRows, max: maxRows })
    if (request.method === 'HEAD') {
      writeHead(response)
      response.end()
      return
    }
    if (running >= maxExports) throw tooManyExports()
    running += 1
    try {
      await sendRows(
        response,
        csvChunks(read, selection, address => showAddress(address, addresses)),
      )
    } finally {
      running -= 1
    }
  }
}

function tooManyExports(): AnswerError {
  const message = `${maxExports} exports are running on this server already; try again in a moment`
  return new AnswerError(503, 'too_many_exports', message, { retryAfter: 5 })
}

async function* csvChunks(
  read: ReadPool,
  { filter, before, limit }: LogSelection,
  showShort: (address: string) => string,
): AsyncGenerator<string> {
  let next: number | null = before
  let left = limit
  while (next !== null && left > 0) {
    const page = await readLogPage(
      read,
      filter,
      { before: next, limit: Math.min(left, chunkRows) },
      showShort,
    )
    // Also when nothing was found: the stream can stop here if the client has left.
    yield page.rows.map(csvOf).join('')
    next = page.next
    left -= page.rows.length
  }
}

function csvOf(row: LogRow): string {
  const { srv_id = null, name = null } = row.moved_from ?? {}
  return csvRecord([row.id, row.at, row.client_ip, row.srv_id, row.server, row.arrival, srv_id, name])
}

async function sendRows(response: ServerResponse, chunks: AsyncGenerator<string>): Promise<void> {
  // The first chunk is read before anything is sent: a database that cannot be read is still a 503.
  const first = await chunks.next()
  writeHead(response)
  response.write(header + (first.value ?? ''))
  try {
    await pipeline(Readable.from(chunks), response, { signal: AbortSignal.timeout(maxDuration) })
  } catch (error) {
    if (!isClientGone(error)) throw error
  }
}

function isClientGone(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ERR_STREAM_PREMATURE_CLOSE'
}

function writeHead(response: ServerResponse): void {
  response.writeHead(200, {
    'Content-Type': 'text/csv; charset=utf-8; header=present',
    'Content-Disposition': 'attachment; filename="balance-board-log.csv"',
    'Cache-Control': 'no-store',
  })
}
