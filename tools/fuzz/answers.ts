// Reads the bytes that a server sent on one connection as HTTP/1.1 answers. Stricter than a browser: what a browser would repair
// is an error here, because it may be the start of a header that a client has injected.

import { gunzipSync } from 'node:zlib'

export type HttpAnswer = {
  status: number
  /** in the order they came, names in lower case */
  headers: [name: string, value: string][]
  /** decompressed, each byte as one character */
  body: string
  /** the length was given by the end of the connection, and the connection has not ended */
  unfinished: boolean
}

export type AnswerStream = {
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
export const isFeed = (answer: Pick<HttpAnswer, 'headers'>) =>
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
