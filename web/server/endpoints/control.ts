// POST /api/servers/NAME/drain, undrain, restart and kill: what a person with the token can do to a server. Never retried by
// NGINX once it was sent, and limited there for each address (nginx/conf/server.conf.template).

import { createHash, timingSafeEqual } from 'node:crypto'
import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { type ControlAnswer, controlCommands } from '../../shared/api.ts'
import { isServerName } from '../config.ts'
import type { Pools } from '../db/pools.ts'
import { AnswerError, ControlRefused, DatabaseUnavailable } from '../errors.ts'
import { normaliseAddress, showAddress } from '../http/client-address.ts'
import { announcesBody, parseParameters, readRequestId } from '../http/request.ts'
import { bodyRefused, type Endpoint, sendJson } from '../http/router.ts'
import { type ControlRequest, controlServer } from '../lifecycle/control.ts'
import type { OwnEnd } from '../lifecycle/own-row.ts'
import { LineLimit, log } from '../log.ts'

type Dependencies = {
  pools: Pools
  ownEnd: OwnEnd
  /** the token now; null = there is none, and control is closed */
  readToken(): string | null
}

/** The path of a command; the name is not decoded yet. */
const path = new RegExp(`^/api/servers/([^/]+)/(${controlCommands.join('|')})$`)

/** Whether control answers at this path. Other paths below /api/servers are 404. */
export function isControlPath(pathname: string): boolean {
  return path.test(pathname)
}

/** Lines a second about requests that anyone can send */
const strangerLinesPerSecond = 2

/** Answers a ControlAnswer once the server has acknowledged. @throws AnswerError 400, 401, 403, 404, 409, 413, 503 */
export function controlEndpoint({ pools, ownEnd, readToken }: Dependencies): Endpoint {
  const strangers = new LineLimit(strangerLinesPerSecond)
  return async (request, response, url) => {
    const startedAt = performance.now() - ageOf(request)
    const clientIp = clientOf(request)
    const command = parseCommand(url)
    const use = {
      command: command?.command,
      target: command?.name,
      client_ip: clientIp,
      request_id: readRequestId(request),
    }
    let isStranger = true
    try {
      checkBodyless(request, response)
      checkOrigin(request)
      checkToken(request, response, readToken())
      isStranger = false
      parseParameters(url.searchParams, {})
      if (command === null) throw noSuchServer()
      ownEnd.holdFor(once(response, 'close'))
      const requester = { clientIp, mayDrainLast: false, startedAt, hasLeft: () => response.destroyed }
      const { server, message } = await controlServer(pools, command, requester)
      log.info('control', { ...use, outcome: message })
      const answer: ControlAnswer = {
        server: server.name,
        srv_id: server.srvId,
        command: command.command,
        message: `${message}.`,
      }
      sendJson(response, 200, answer)
    } catch (error) {
      const write = (leftOut: number) =>
        log.warn('control', { ...use, outcome: outcomeOf(error), ...(leftOut > 0 && { left_out: leftOut }) })
      if (isStranger) strangers.offer(write)
      else write(0)
      throw error instanceof ControlRefused ? refusalOf(error) : error
    }
  }
}

/** For the log: an error of the database can quote an address. */
function outcomeOf(error: unknown): string {
  if (error instanceof AnswerError || error instanceof ControlRefused) return error.message
  return error instanceof DatabaseUnavailable ? 'the database does not answer' : 'an internal error'
}

function refusalOf({ code, message }: ControlRefused): AnswerError {
  if (code === 'no_server') return noSuchServer()
  return new AnswerError(code === 'outcome_unknown' ? 503 : 409, code, `${message}.`)
}

/** ms since NGINX got the request: this process may have been frozen since. 0 for a request that did not come through NGINX. */
function ageOf({ headers }: IncomingMessage): number {
  const arrivedAt = Number(headers['x-arrived-at'])
  return arrivedAt > 0 ? Math.max(0, Date.now() - arrivedAt * 1000) : 0
}

function checkBodyless(request: IncomingMessage, response: ServerResponse): void {
  if (!announcesBody(request)) return
  response.setHeader('Connection', 'close')
  throw bodyRefused()
}

/**
 * A browser names the site whose page sends a POST. Only the board's own page may. Programs name none: they have the token. Only
 * the host is compared, because a proxy in front of NGINX may be the one that uses HTTPS.
 * Source: https://developer.mozilla.org/en-US/docs/Web/HTTP/Reference/Headers/Sec-Fetch-Site
 */
function checkOrigin({ headers }: IncomingMessage): void {
  const { origin, host = '' } = headers
  const site = headers['sec-fetch-site']
  const isOwnSite = site === undefined || site === 'same-origin' || site === 'none'
  if (isOwnSite && (origin === undefined || isSameHost(origin, host))) return
  throw new AnswerError(403, 'other_site', 'Control takes requests of the board’s own page only.')
}

function isSameHost(origin: string, host: string): boolean {
  const from = URL.parse(origin)
  const own = from && URL.parse(`${from.protocol}//${host}`)
  return from !== null && own !== null && from.host !== '' && from.host === own.host
}

function checkToken(request: IncomingMessage, response: ServerResponse, token: string | null): void {
  const [, given = ''] = /^Bearer +([\w.~+/=-]+) *$/i.exec(request.headers.authorization ?? '') ?? []
  if (token !== null && isSame(given, token)) return
  response.setHeader('WWW-Authenticate', 'Bearer realm="control"')
  throw new AnswerError(401, 'unauthorized', 'Control needs the token: Authorization: Bearer TOKEN.')
}

/** In a time that says nothing about either text: hashes have one length. */
function isSame(given: string, token: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest()
  return timingSafeEqual(digest(given), digest(token))
}

/** null if no server can have this name */
function parseCommand({ pathname }: URL): ControlRequest | null {
  const [, encoded = '', word] = path.exec(pathname) ?? []
  const command = controlCommands.find(each => each === word)
  const name = decode(encoded)
  if (command === undefined || !isServerName(name)) return null
  return { command, name }
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return ''
  }
}

/** It repeats nothing that the client sent. */
function noSuchServer(): AnswerError {
  return new AnswerError(404, 'no_such_server', 'There is no server with this name.')
}

/** Shortened whatever answers show: the record is kept. */
function clientOf(request: IncomingMessage): string {
  const realIp = String(request.headers['x-real-ip'] ?? request.socket.remoteAddress ?? '')
  return showAddress(normaliseAddress(realIp) ?? '', 'short')
}
