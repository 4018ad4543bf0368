// The replica's log: one line an event, on standard output. Every part of the replica calls `log`; web/server/replica/main.ts
// chooses the format. JSON is for collectors, and joins NGINX's access log by `request_id`; text is for people. No line has
// a visitor's address: neither a request nor the properties of an error are logged, only what is named here.

import pino from 'pino'
import { codeOf, numberOf } from './errors.ts'

export type LogFormat = 'json' | 'text'

/** What a line can have besides its message. */
type Fields = {
  err?: unknown
  /** the request's id, as in NGINX's access log; null if it did not come through NGINX */
  request_id?: string | null
} & Record<string, unknown>

type Level = 'info' | 'warn' | 'error' | 'fatal'

/** Bytes that wait for a disk with room. More are dropped. */
const maxWaiting = 1_000_000

/** Writes each line before it returns, so that nothing is lost at exit. `process.stdout` would not, if it is a pipe. */
function standardOutput() {
  const output = pino.destination({ dest: 1, sync: true, maxLength: maxWaiting })
  // A full disk or a reader that left must not end the replica.
  output.on('error', () => {})
  return output
}

/**
 * A log that writes to `destination`. `server` gives the server's name for each line, or null while it has none.
 */
export function createLog(
  format: LogFormat,
  server: () => string | null,
  destination: { write(line: string): unknown },
) {
  const logger = pino(
    {
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: label => ({ level: label }) },
      mixin: () => ({ server: server() ?? undefined }),
      serializers: { err: describeError },
    },
    format === 'json' ? destination : { write: line => destination.write(toText(JSON.parse(line))) },
  )
  const at =
    (level: Level) =>
    (message: string, { request_id, ...fields }: Fields = {}) =>
      logger[level]({ ...(request_id && { request_id }), ...fields }, message)
  return { info: at('info'), warn: at('warn'), error: at('error'), fatal: at('fatal') }
}

const output = standardOutput()
let current = createLog('text', () => null, output)

/** Sets how this process writes its log from now on. */
export function useLog(format: LogFormat, server: () => string | null): void {
  current = createLog(format, server, output)
}

/** The log of this process. */
export const log: typeof current = {
  info: (message, fields) => current.info(message, fields),
  warn: (message, fields) => current.warn(message, fields),
  error: (message, fields) => current.error(message, fields),
  fatal: (message, fields) => current.fatal(message, fields),
}

/** An error in a line. Only these properties: an error of the database's driver also has the statement, with addresses. */
type LoggedError = {
  type: string
  code?: string
  errno?: number
  message: string
  stack?: string
  cause?: LoggedError
}

function describeError(error: unknown): LoggedError {
  return describe(error, databaseMessagesOf(error))
}

/** `databaseMessages` are masked wherever they are: an error often repeats the message of its cause. */
function describe(error: unknown, databaseMessages: string[]): LoggedError {
  const masked = (text: string) =>
    databaseMessages.reduce((rest, message) => rest.replaceAll(message, () => withoutValues(message)), text)
  if (!(error instanceof Error)) return { type: typeof error, message: masked(String(error)) }
  const code = codeOf(error)
  const errno = numberOf(error)
  return {
    type: error.name,
    ...(code && { code }),
    ...(errno && { errno }),
    message: masked(error.message),
    ...(error.stack && { stack: masked(error.stack) }),
    ...(error.cause !== undefined && { cause: describe(error.cause, databaseMessages) }),
  }
}

/** What the database said, of the error and of its causes. The driver has it in `sqlMessage`. */
function databaseMessagesOf(error: unknown): string[] {
  if (!(error instanceof Error)) return []
  const own = 'sqlMessage' in error && typeof error.sqlMessage === 'string' ? [error.sqlMessage] : []
  return [...own, ...databaseMessagesOf(error.cause)].filter(Boolean)
}

/**
 * The database quotes values and parts of a statement. A quoted part can have quotes itself, so everything from the first to the
 * last is masked.
 */
function withoutValues(message: string): string {
  return message.replace(/['"].*['"]|['"].*$/s, "'…'")
}

type Line = { time: string; level: string; msg: string; server?: string; err?: LoggedError } & Record<
  string,
  unknown
>

/** A line for people; the stack of an error follows on lines of its own. */
function toText({ time, level, msg, server: _, err, ...fields }: Line): string {
  const rest = Object.entries(fields).map(
    ([name, value]) => ` ${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`,
  )
  return `${time} ${level.padEnd(5)} ${msg}${rest.join('')}\n${err ? stackOf(err) : ''}`
}

function stackOf({ type, message, stack, cause }: LoggedError): string {
  return `${stack ?? `${type}: ${message}`}\n${cause ? `caused by ${stackOf(cause)}` : ''}`
}

/** Limits the lines about events that can come by the thousand: `perSecond` are written, then one says how many were not. */
export class LineLimit {
  readonly #perSecond: number
  readonly #now: () => number
  #second = Number.NEGATIVE_INFINITY
  #written = 0
  #unwritten = 0

  /** `now` is a steady clock, in ms */
  constructor(perSecond: number, now: () => number = () => performance.now()) {
    this.#perSecond = perSecond
    this.#now = now
  }

  /** Writes the line unless the second is full. `write` gets the number of lines left out since the last one. */
  offer(write: (leftOut: number) => void): void {
    if (this.#now() - this.#second >= 1000) {
      this.#second = this.#now()
      this.#written = 0
    }
    if (this.#written >= this.#perSecond) {
      this.#unwritten++
      return
    }
    this.#written++
    write(this.#unwritten)
    this.#unwritten = 0
  }
}
