// Sends one case on one connection and reads what comes back. After the case comes a canary: a request whose answer can only be
// its own, so that an answer that belongs to another request shows.
// The answers are read more strictly than by a browser: what a browser would repair is an error here, because it may be the start
// of a header that a client has injected.

import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { gunzipSync } from 'node:zlib'
import type { Door, FuzzCase } from './cases/cases.ts'

export type HttpAnswer = {
  status: number
  /** in the order they came, names in lower case */
  headers: [name: string, value: string][]
  /** decompressed, each byte as one character */
  body: string
  /** the length was given by the end of the connection, and the connection has not ended */
  unfinished: boolean
}

export type Exchange = {
  answers: HttpAnswer[]
  /** why the bytes after these answers are no answer; null if they are one */
  malformed: string | null
  /** bytes that are part of no answer */
  rest: string
  /** how it ended. `closed`: by the server. `garbled`: what came is no answer. `fed`: the answer is a live feed, and the client left. `given up`: the client had said
   * that it sends nothing more, and the server closed. `hung`: it did not even then */
  end: 'canary answered' | 'closed' | 'reset' | 'garbled' | 'fed' | 'given up' | 'hung'
}

export type Place = { host: string; port: number }

type Sent = {
  place: Place
  door: Door
  bytes: string
  canary: string
  fuzzCase: FuzzCase
  /** address of this machine to send from */
  from: string
  /** ms without a byte after which the client says that it sends nothing more */
  patienceMs: number
}

/** Names a parameter that no endpoint has, so the answer names it. A redirect repeats it. */
const canaryRequest = (word: string) => `GET /api/audit?${word} HTTP/1.1\r\nHost: canary.example\r\n\r\n`

export const isCanaryAnswer = ({ status, headers, body }: HttpAnswer, word: string) =>
  (status === 400 && body.includes(word)) ||
  (status === 308 && headerOf({ headers }, 'location').includes(word))

/** ms within which a server closes the connection after the client's last byte. NGINX's own limits are 10 s. */
const closeMs = 30_000
/** ms for a whole exchange, also if bytes come all the time */
const longestMs = 120_000

/** @throws if the server refuses the connection */
export async function exchange({
  place,
  door,
  bytes,
  canary,
  fuzzCase,
  from,
  patienceMs,
}: Sent): Promise<Exchange> {
  const socket = connect({ ...place, localAddress: from, allowHalfOpen: true, noDelay: true })
  await once(socket, 'connect')
  const stream = door === 'https' ? connectTls({ socket, rejectUnauthorized: false }) : socket
  // A reset is one way to close.
  socket.on('error', () => {})
  stream.on('error', () => {})
  try {
    return await talk(stream)
  } finally {
    stream.destroy()
    socket.destroy()
  }

  async function talk(stream: Socket): Promise<Exchange> {
    const outcome = Promise.withResolvers<Exchange>()
    const received: Buffer[] = []
    let canarySent = false
    let ended = false
    let givenUp = false
    let timer = setTimeout(giveUp, patienceMs)
    const longest = setTimeout(() => end('hung'), longestMs)

    const read = () => readAnswers(Buffer.concat(received), isHead, ended)
    const isHead = (n: number) => /^HEAD/i.test(fuzzCase.requests[n]?.method ?? '')
    const end = (how: Exchange['end']) => {
      clearTimeout(timer)
      clearTimeout(longest)
      const { answers, malformed, rest } = read()
      outcome.resolve({ answers, malformed, rest: rest.toString('latin1'), end: how })
    }
    function giveUp(): void {
      if (!canarySent) {
        sendCanary()
        return
      }
      givenUp = true
      stream.end()
      timer = setTimeout(() => end('hung'), closeMs)
    }
    function sendCanary(): void {
      canarySent = true
      stream.write(canaryRequest(canary), 'latin1')
      restartTimer()
    }
    function restartTimer(): void {
      if (givenUp) return
      clearTimeout(timer)
      timer = setTimeout(giveUp, patienceMs)
    }

    stream.on('data', (bytes: Buffer) => {
      received.push(bytes)
      restartTimer()
      const { answers, malformed } = read()
      if (malformed !== null) return end('garbled')
      const last = answers.at(-1)
      if (last === undefined) return
      if (last.unfinished && isFeed(last)) return end('fed')
      if (isCanaryAnswer(last, canary)) return end('canary answered')
      if (!canarySent && answers.length === fuzzCase.requests.length) sendCanary()
    })
    // The socket below TLS can close before the stream has passed on all that it read, so only the stream counts.
    let wasReset = false
    stream.on('error', () => {
      wasReset = true
    })
    const closed = () => {
      ended = true
      end(givenUp ? 'given up' : wasReset ? 'reset' : 'closed')
    }
    stream.on('end', closed)
    stream.on('close', closed)

    const cutAt = fuzzCase.cut === null ? bytes.length : Math.floor(bytes.length * fuzzCase.cut)
    const together = fuzzCase.canary === 'together'
    stream.write(bytes.slice(0, cutAt), 'latin1')
    // The second part travels in another packet: the first is sent before this turn ends.
    if (fuzzCase.cut !== null) await new Promise(setImmediate)
    const second = bytes.slice(cutAt) + (together ? canaryRequest(canary) : '')
    if (second !== '') stream.write(second, 'latin1')
    canarySent = together
    return outcome.promise
  }
}

type AnswerStream = {
  answers: HttpAnswer[]
  /** bytes after the last complete answer */
  rest: Buffer
  /** why the next bytes are no answer; null if they are one, or not enough yet */
  malformed: string | null
}

/** The first value of a header, '' if there is none. */
export const headerOf = ({ headers }: Pick<HttpAnswer, 'headers'>, name: string) =>
  headers.find(([each]) => each === name)?.[1] ?? ''

/** Whether the answer is a live feed, which has no end. */
const isFeed = (answer: Pick<HttpAnswer, 'headers'>) =>
  headerOf(answer, 'content-type').startsWith('text/event-stream')

/**
 * Reads as many answers as are complete. Interim answers (1xx) are dropped.
 * @param isHead whether the `n`th answer is the answer to a HEAD, which has no body
 * @param ended whether the server has closed the connection
 */
export function readAnswers(received: Buffer, isHead: (n: number) => boolean, ended: boolean): AnswerStream {
  const answers: HttpAnswer[] = []
  let rest = received
  for (;;) {
    const next = readAnswer(rest, isHead(answers.length), ended)
    if (next === null) return { answers, rest, malformed: null }
    if (typeof next === 'string') return { answers, rest, malformed: next }
    rest = rest.subarray(next.length)
    if (next.answer.status >= 200) answers.push(next.answer)
    if (next.answer.unfinished) return { answers, rest, malformed: null }
  }
}

type Read = { answer: HttpAnswer; length: number }

const statusLine = /^HTTP\/1\.[01] ([1-5]\d\d) [\x20-\x7e]*$/
/** RFC 9110, 5.6.2 and 5.5: a token, then a value without control characters */
const headerLine = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([\t\x20-\x7e\x80-\xff]*?)[ \t]*$/
const headMax = 64 * 1024

/** Null: more bytes are needed. A string: why it is no answer. */
function readAnswer(bytes: Buffer, isHead: boolean, ended: boolean): Read | string | null {
  const headLength = bytes.indexOf('\r\n\r\n')
  if (headLength < 0) {
    const start = bytes.subarray(0, 5).toString('latin1')
    if (!'HTTP/'.startsWith(start)) return `an answer begins with ${JSON.stringify(start)}`
    if (bytes.length > headMax) return `the head of an answer has more than ${headMax} bytes`
    return ended && bytes.length > 0 ? 'the connection ended within the head of an answer' : null
  }
  const [first = '', ...lines] = bytes.subarray(0, headLength).toString('latin1').split('\r\n')
  const status = Number(statusLine.exec(first)?.[1])
  if (!status) return `not a status line: ${JSON.stringify(first.slice(0, 200))}`
  const headers: [string, string][] = []
  for (const line of lines) {
    const [, name, value] = headerLine.exec(line) ?? []
    if (name === undefined || value === undefined)
      return `not a header: ${JSON.stringify(line.slice(0, 200))}`
    headers.push([name.toLowerCase(), value])
  }
  const framing = readBody(bytes.subarray(headLength + 4), { status, headers }, isHead, ended)
  if (framing === null || typeof framing === 'string') return framing
  const { body, length, unfinished } = framing
  const gzipped = headerOf({ headers }, 'content-encoding') === 'gzip' && body.length > 0 && !unfinished
  const text = decode(body, gzipped)
  if (text === null) return 'the body cannot be decompressed'
  return { answer: { status, headers, body: text, unfinished }, length: headLength + 4 + length }
}

function decode(body: Buffer, gzipped: boolean): string | null {
  try {
    return (gzipped ? gunzipSync(body) : body).toString('latin1')
  } catch {
    return null
  }
}

type Body = { body: Buffer; length: number; unfinished: boolean }

/** RFC 9112, 6.3 */
function readBody(
  bytes: Buffer,
  { status, headers }: Pick<HttpAnswer, 'status' | 'headers'>,
  isHead: boolean,
  ended: boolean,
): Body | string | null {
  const values = (name: string) => headers.filter(([each]) => each === name).map(([, value]) => value)
  const lengths = values('content-length')
  const codings = values('transfer-encoding')
  if (lengths.length + codings.length > 1) return 'an answer has more than one length'
  // A server that gives up on a request may not know its method, and then closes the connection after its words.
  const isLast = headerOf({ headers }, 'connection').toLowerCase() === 'close' && bytes.length > 0
  if ((isHead && !isLast) || status < 200 || status === 204 || status === 304)
    return { body: Buffer.alloc(0), length: 0, unfinished: false }
  if (codings[0] !== undefined) {
    if (codings[0] !== 'chunked') return `an answer has the transfer coding ${codings[0]}`
    return readChunks(bytes, ended, isFeed({ headers }))
  }
  if (lengths[0] !== undefined) {
    if (!/^\d+$/.test(lengths[0])) return `an answer has the length ${lengths[0]}`
    const length = Number(lengths[0])
    if (bytes.length >= length) return { body: bytes.subarray(0, length), length, unfinished: false }
    return ended ? `the connection ended after ${bytes.length} of ${length} bytes of an answer` : null
  }
  return { body: bytes, length: bytes.length, unfinished: !ended }
}

function readChunks(bytes: Buffer, ended: boolean, isStream: boolean): Body | string | null {
  const chunks: Buffer[] = []
  for (let at = 0; ; ) {
    const lineEnd = bytes.indexOf('\r\n', at)
    if (lineEnd < 0) return shortOf(chunks, bytes, ended, isStream)
    const digits = bytes.subarray(at, lineEnd).toString('latin1')
    if (!/^[0-9a-f]{1,8}$/i.test(digits))
      return `an answer has a chunk of the length ${JSON.stringify(digits)}`
    const size = Number.parseInt(digits, 16)
    const end = lineEnd + 2 + size
    if (bytes.length < end + 2) return shortOf(chunks, bytes, ended, isStream)
    if (bytes.toString('latin1', end, end + 2) !== '\r\n')
      return 'a chunk of an answer does not end with its length'
    if (size === 0) return { body: Buffer.concat(chunks), length: end + 2, unfinished: false }
    chunks.push(bytes.subarray(lineEnd + 2, end))
    at = end + 2
  }
}

/** A live feed has no end: what it has sent is an answer. */
function shortOf(chunks: Buffer[], bytes: Buffer, ended: boolean, isStream: boolean): Body | string | null {
  if (isStream && chunks.length > 0)
    return { body: Buffer.concat(chunks), length: bytes.length, unfinished: true }
  return ended ? 'the connection ended within a chunked answer' : null
}
