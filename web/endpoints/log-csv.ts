import type { ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { ReadPool } from '../database/pools.ts'
import { codeOf } from '../error-code.ts'
import { type AddressMode, showAddress } from '../http/client-address.ts'
import type { Endpoint } from '../http/endpoint.ts'
import { AnswerError } from '../http/errors.ts'
import { logRecords } from './log-records.ts'
import { parseLogSelection } from './log-selection.ts'

const maxRows = 100_000
const maxExports = 2

type Dependencies = {
  read: ReadPool
  addresses: AddressMode
  /** how long one may take, in ms: a client that hardly reads must not keep one of the few for ever */
  longestMs?: number
}

/**
 * GET /api/log.csv streams the rows that /api/log pages through, under the same parameters; `limit` up to 100,000. To
 * go on, give the last row's id as `before`. An export that fails on its way, or takes too long, is cut off, so that it
 * does not pass for a whole one.
 */
export function logCsvEndpoint({ read, addresses, longestMs = 120_000 }: Dependencies): Endpoint {
  const show = (address: string) => showAddress(address, addresses)
  let running = 0
  return async (request, response, url) => {
    const selection = parseLogSelection(url.searchParams, addresses, { default: maxRows, max: maxRows })
    if (request.method === 'HEAD') {
      writeHead(response).end()
      return
    }
    if (running >= maxExports) throw tooManyExports()
    running += 1
    try {
      await send(response, logRecords(read, selection, show), longestMs)
    } finally {
      running -= 1
    }
  }
}

function tooManyExports(): AnswerError {
  const message = `${maxExports} exports are running on this server already; try again in a moment`
  return new AnswerError(503, 'too_many_exports', message, { retryAfter: 5 })
}

async function send(
  response: ServerResponse,
  texts: AsyncGenerator<string>,
  longestMs: number,
): Promise<void> {
  // The first rows are read before anything is sent: a database that cannot be read is still a 503.
  const first = await texts.next()
  writeHead(response).write(first.value ?? '')
  try {
    await pipeline(Readable.from(texts), response, { signal: AbortSignal.timeout(longestMs) })
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
