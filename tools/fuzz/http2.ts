// HTTP/2 cases: frames that are written byte by byte, since a client's library refuses most of them. Each goes to NGINX with HTTPS
// on one connection, from an address that no other case has. So the log says how many page views a case has counted.

import { once } from 'node:events'
import { connect as connectTls, type TLSSocket } from 'node:tls'
import fc, { type Arbitrary } from 'fast-check'
import { seedOfCase } from './cases/cases.ts'
import { choice, markOf, oneOf, repeated, weighted } from './cases/texts.ts'
import type { Place } from './exchange.ts'
import { isHasty } from './oracle.ts'

type Field = [name: string, value: string]

type Http2Case = {
  frames: Buffer[]
  /** how many page views it may count */
  counts: [least: number, most: number]
  /** streams that must be answered or reset */
  streams: number
}

// Types and flags of frames: RFC 9113, 6.
const type = {
  data: 0,
  headers: 1,
  priority: 2,
  reset: 3,
  settings: 4,
  ping: 6,
  goAway: 7,
  windowUpdate: 8,
  continuation: 9,
}
const [endStream, endHeaders, ack] = [1, 4, 1]

/** @param length default: the payload's */
function frame(
  kind: number,
  flags: number,
  stream: number,
  payload: Buffer = Buffer.alloc(0),
  length?: number,
): Buffer {
  const head = Buffer.alloc(9)
  head.writeUIntBE(length ?? payload.length, 0, 3)
  head.writeUInt8(kind, 3)
  head.writeUInt8(flags, 4)
  head.writeUInt32BE(stream, 5)
  return Buffer.concat([head, payload])
}

/** Literal fields without Huffman's code and without an index: RFC 7541, 6.2.2. */
const fieldBlock = (fields: Field[]) =>
  Buffer.concat(fields.flatMap(([name, value]) => [Buffer.from([0]), literal(name), literal(value)]))

/** A mark as long as that of each case, which takes its place: the lengths in the frames stay right. */
const anyMark = markOf(0)
const bytesOf = (text: string) => Buffer.from(text.replaceAll('MARK', anyMark), 'latin1')

function literal(text: string): Buffer {
  const bytes = bytesOf(text)
  const size = [Math.min(bytes.length, 127)]
  if (bytes.length >= 127) {
    let rest = bytes.length - 127
    for (; rest >= 128; rest >>= 7) size.push((rest & 127) | 128)
    size.push(rest)
  }
  return Buffer.concat([Buffer.from(size), bytes])
}

/** A whole request on a stream, in as many frames as it needs. */
function request(stream: number, fields: Field[], flags = endStream): Buffer[] {
  const block = fieldBlock(fields)
  const pieces: Buffer[] = []
  for (let at = 0; at === 0 || at < block.length; at += 16_384) pieces.push(block.subarray(at, at + 16_384))
  return pieces.map((piece, at) => {
    const last = at === pieces.length - 1 ? endHeaders : 0
    return at === 0
      ? frame(type.headers, flags | last, stream, piece)
      : frame(type.continuation, last, stream, piece)
  })
}

const pseudo = (path: string, method = 'GET', scheme = 'https'): Field[] => [
  [':method', method],
  [':scheme', scheme],
  [':path', path],
  [':authority', 'board.example'],
]
const json: Field = ['accept', 'application/json']
const page: Field[] = [...pseudo('/'), json]
const streamOf = (at: number) => 2 * at + 1

const plain = fc
  .array(choice('/ ¦ / ¦ /?q=1 ¦ /?MARK ¦ /api/snapshot ¦ /healthz ¦ /MARK ¦ /icon.svg'), {
    minLength: 1,
    maxLength: 5,
  })
  .map((paths): Http2Case => {
    const views = paths.filter(path => /^\/(\?|$)/.test(path)).length
    const frames = paths.flatMap((path, at) => request(streamOf(at), [...pseudo(path), json]))
    return { frames, counts: [views, views], streams: paths.length }
  })

/** One request that is answered or refused, and counts at most so many page views. */
const one = (fields: Field[], most: number): Http2Case => ({
  frames: request(1, fields),
  counts: [0, most],
  streams: 1,
})

const without = (name: string) => page.filter(([each]) => each !== name)
const replaced = (name: string, value: string) =>
  page.map(([each, old]): Field => [each, each === name ? value : old])

const badPseudoHeaders = fc.oneof(
  oneOf(':method', ':scheme', ':path').map(name => one(without(name), 0)),
  oneOf(':method', ':scheme', ':path', ':authority').map(name =>
    one([...page.slice(0, 4), ...page.filter(([each]) => each === name), json], 0),
  ),
  oneOf(':status', ':mark', ':', ':MARK').map(name => one([...page.slice(0, 4), [name, '200'], json], 0)),
  // After other fields: NGINX takes it.
  oneOf(':method', ':path').map(name =>
    one([...without(name), ...page.filter(([each]) => each === name)], 1),
  ),
  choice('NONE ¦ MARK ¦ * ¦ /\0 ¦ / HTTP/1.1').map(path => one(replaced(':path', path), 0)),
  choice('NONE ¦ get ¦ G T ¦ GET\r\n ¦ \0').map(method => one(replaced(':method', method), 0)),
  choice('POST ¦ PUT ¦ CONNECT ¦ HEAD ¦ TRACE ¦ MARK').map(method => one(replaced(':method', method), 0)),
  choice('NONE ¦ http ¦ ftp ¦ MARK ¦ HTTPS').map(scheme => one(replaced(':scheme', scheme), 1)),
  choice('NONE ¦ MARK ¦ a b ¦ board.example:99999 ¦ [::1 ¦ /').map(host =>
    one(replaced(':authority', host), 1),
  ),
)

/** RFC 9113, 8.2.2, and names and values that a field cannot have. */
const badFields = fc
  .tuple(
    fc.constantFrom<Field>(
      ['connection', 'keep-alive'],
      ['connection', 'upgrade'],
      ['keep-alive', 'timeout=5'],
      ['proxy-connection', 'keep-alive'],
      ['transfer-encoding', 'chunked'],
      ['upgrade', 'websocket'],
      ['upgrade', 'h2c'],
      ['te', 'gzip'],
      ['http2-settings', 'AAMAAABkAAQAAP__'],
      ['host', 'MARK.example'],
      ['Accept-Language', 'MARK'],
      ['', 'MARK'],
      ['x y', 'MARK'],
      ['x\0', 'MARK'],
      ['x-mark', 'a\r\nx: MARK'],
      ['x-mark', 'a\0MARK'],
      ['content-length', '-1'],
    ),
    fc.boolean(),
  )
  .map(([field, isFirst]) => one(isFirst ? [...page.slice(0, 4), field, json] : [...page, field], 1))

const oversized = fc.oneof(
  fc.integer({ min: 1000, max: 120_000 }).map(size => one([...page, ['x-mark', 'a'.repeat(size)]], 1)),
  fc.integer({ min: 1000, max: 120_000 }).map(size => one([...page, ['a'.repeat(size), 'MARK']], 1)),
  repeated('MARK', 4000).map(text => one([...pseudo(`/?${text}`), json], 1)),
  fc
    .integer({ min: 50, max: 2000 })
    .map(many => one([...page, ...Array.from({ length: many }, (_, n): Field => [`x-${n}`, 'MARK'])], 1)),
  repeated('srv_id=MARK; ', 1000).map(cookie => one([...page, ['cookie', cookie]], 1)),
)

/** Frames that are no request. */
const none = (frames: Buffer[]): Http2Case => ({ frames, counts: [0, 0], streams: 0 })
const pageBlock = fieldBlock(page)
const openPage = frame(type.headers, endStream, 1, pageBlock)

const continuations = fc.oneof(
  // A flood within bounds, whose end never comes
  fc.tuple(fc.integer({ min: 1, max: 300 }), fc.integer({ min: 0, max: 60 })).map(([many, size]) => {
    const piece = frame(type.continuation, 0, 1, fieldBlock([['x', 'a'.repeat(size)]]))
    return none([openPage, ...Array.from({ length: many }, () => piece)])
  }),
  // of another stream, of none, without a beginning, and other frames in between
  fc
    .constantFrom<Buffer[]>(
      frame(type.continuation, endHeaders, 3),
      frame(type.continuation, endHeaders, 0),
      frame(type.ping, 0, 0, Buffer.alloc(8)),
      frame(type.data, endStream, 1),
      frame(type.headers, endStream | endHeaders, 3, pageBlock),
    )
    .map(between => none([openPage, between, frame(type.continuation, endHeaders, 1)])),
  fc.constant(none([frame(type.continuation, endHeaders, 1, pageBlock)])),
)

const resets = fc.tuple(fc.integer({ min: 1, max: 100 }), oneOf('/', '/api/snapshot', '/api/live')).map(
  ([many, path]): Http2Case => ({
    frames: Array.from({ length: many }, (_, at) => at).flatMap(at => [
      ...request(streamOf(at), [...pseudo(path), json]),
      frame(type.reset, 0, streamOf(at), Buffer.from([0, 0, 0, 8])),
    ]),
    counts: [0, path === '/' ? many : 0],
    streams: 0,
  }),
)

const bodies = fc
  .tuple(oneOf('', '5', '0', '99999999', 'MARK'), oneOf('', 'hello', 'MARK'), fc.boolean())
  .map(
    ([length, body, ends]): Http2Case => ({
      frames: [
        ...request(1, length === '' ? page : [...page, ['content-length', length]], 0),
        frame(type.data, ends ? endStream : 0, 1, bytesOf(body)),
      ],
      counts: [0, body === '' ? 1 : 0],
      streams: ends ? 1 : 0,
    }),
  )

const oddFrames = fc
  .array(
    fc.oneof(
      fc
        .tuple(
          fc.nat({ max: 12 }),
          fc.nat({ max: 255 }),
          fc.nat({ max: 9 }),
          fc.uint8Array({ maxLength: 40 }),
        )
        .filter(([kind]) => kind !== type.headers && kind !== type.continuation)
        .map(([kind, flags, stream, payload]) => frame(kind, flags, stream, Buffer.from(payload))),
      fc.constantFrom(
        frame(type.settings, 0, 0, Buffer.alloc(5)),
        frame(type.settings, ack, 0, Buffer.alloc(6)),
        frame(type.ping, 0, 0, Buffer.alloc(7)),
        frame(type.priority, 0, 1, Buffer.from([0, 0, 0, 1, 16])),
        frame(type.goAway, 0, 0, Buffer.alloc(8)),
        frame(type.windowUpdate, 0, 0, Buffer.alloc(4)),
        frame(type.windowUpdate, 0, 0, Buffer.from([0x7f, 0xff, 0xff, 0xff])),
        frame(type.data, 0, 0, Buffer.alloc(10)),
        frame(type.data, 0, 1, Buffer.alloc(10), 0xffffff),
        frame(type.headers, endStream | endHeaders, 2, pageBlock),
        frame(type.headers, endStream | endHeaders, 0, pageBlock),
        frame(type.headers, endStream | endHeaders, 1, Buffer.from([0xff, 0xff, 0xff, 0xff, 0xff])),
      ),
    ),
    { minLength: 1, maxLength: 4 },
  )
  .chain(frames =>
    fc.integer({ min: 1, max: 80 }).map(times => none(Array.from({ length: times }, () => frames).flat())),
  )

const anyCase: Arbitrary<Http2Case> = weighted<Http2Case>(
  [4, plain],
  [4, badPseudoHeaders],
  [3, badFields],
  [2, oversized],
  [2, continuations],
  [2, resets],
  [2, bodies],
  [3, oddFrames],
)

type Http2Answer = { status: number; body: string; isWhole: boolean }

/** What the server sent on each stream. Reads only what NGINX writes: its status is the first field, an index or three digits. */
function readStreams(bytes: Buffer): Map<number, Http2Answer> {
  const streams = new Map<number, Http2Answer>()
  for (let at = 0; at + 9 <= bytes.length; ) {
    const size = bytes.readUIntBE(at, 3)
    const [kind, flags, stream] = [bytes[at + 3], bytes[at + 4] ?? 0, bytes.readUInt32BE(at + 5)]
    const payload = bytes.subarray(at + 9, at + 9 + size)
    if (payload.length < size) break
    at += 9 + size
    if (stream === 0) continue
    const answer = streams.get(stream) ?? { status: 0, body: '', isWhole: false }
    streams.set(stream, answer)
    if (kind === type.headers && answer.status === 0) answer.status = statusIn(payload)
    if (kind === type.data) answer.body += payload.toString('latin1')
    const isEnd = (kind === type.headers || kind === type.data) && (flags & endStream) !== 0
    if (isEnd || kind === type.reset) answer.isWhole = true
  }
  return streams
}

/** RFC 7541, appendix A. */
const indexedStatuses = [200, 204, 206, 304, 400, 404, 500]

function statusIn(block: Buffer): number {
  // Before it there can be changes of the table's size.
  const at = block.findIndex(byte => (byte & 0xe0) !== 0x20)
  return indexedStatuses[(block[at] ?? 0) - 0x88] ?? Number(block.toString('latin1', at + 2, at + 5))
}

/** The beginning of a connection, with windows of 1 GB, so that no answer waits for another one. */
const preface = Buffer.concat([
  Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
  frame(type.settings, 0, 0, Buffer.from([0, 4, 0x40, 0, 0, 0])),
  frame(type.settings, ack, 0),
  frame(type.windowUpdate, 0, 0, Buffer.from([0x3f, 0, 0, 0])),
])

/** ms without a byte after which the client leaves: if an answer must come, and if not */
const [patienceMs, impatienceMs] = [15_000, 300]

/** Sends a case on a connection. @returns what came on each stream, and whether the server closed */
async function exchange({ host, port }: Place, from: string, { frames, streams }: Http2Case) {
  const socket: TLSSocket = connectTls({
    ...{ host, port, localAddress: from },
    ALPNProtocols: ['h2'],
    rejectUnauthorized: false,
  })
  socket.on('error', () => {}) // a reset is one way to close
  const received: Buffer[] = []
  const { promise: done, resolve } = Promise.withResolvers<boolean>()
  const leave = () => resolve(false)
  let timer = setTimeout(leave, patienceMs)
  socket.on('data', (bytes: Buffer) => {
    received.push(bytes)
    clearTimeout(timer)
    timer = setTimeout(leave, streams > 0 ? patienceMs : impatienceMs)
    const whole = [...readStreams(Buffer.concat(received)).values()].filter(({ isWhole }) => isWhole)
    if (streams > 0 && whole.length >= streams) resolve(false)
  })
  socket.on('close', () => resolve(true))
  try {
    await once(socket, 'secureConnect')
    socket.write(Buffer.concat([preface, ...frames]))
    const closed = await done
    return { answers: readStreams(Buffer.concat(received)), closed }
  } finally {
    clearTimeout(timer)
    socket.destroy()
  }
}

export type SentHttp2 = {
  n: number
  from: string
  counts: [number, number]
  numbers: number[]
  isHasty: boolean
}

/** Sends HTTP/2 case `n` of a seed. @returns what it may count, and complaints about its answers */
export async function sendHttp2(
  place: Place,
  { seed, n, from }: { seed: number; n: number; from: string },
): Promise<SentHttp2 & { complaints: string[] }> {
  const [fuzzCase] = fc.sample(anyCase, { seed: seedOfCase(seed, n), numRuns: 1 })
  if (!fuzzCase) throw new Error(`there is no case ${n}`)
  const mark = markOf(n)
  const frames = fuzzCase.frames.map(each =>
    Buffer.from(each.toString('latin1').replaceAll(anyMark, mark), 'latin1'),
  )
  const { answers, closed } = await exchange(place, from, { ...fuzzCase, frames })
  const all = [...answers.values()]
  const hasty = (answer: Http2Answer) => isHasty({ answers: [{ ...answer, headers: [], unfinished: false }] })
  const complaints = all.flatMap(answer => [
    ...(answer.status >= 500 && ![501, 505].includes(answer.status) && !hasty(answer)
      ? [`status ${answer.status}: ${answer.body.slice(0, 200)}`]
      : []),
    ...(answer.body.includes(mark)
      ? [`a body repeats what the client sent: ${answer.body.slice(0, 200)}`]
      : []),
  ])
  const whole = all.filter(({ isWhole }) => isWhole).length
  if (!closed && whole < fuzzCase.streams)
    complaints.push(`${fuzzCase.streams - whole} requests were neither answered nor reset`)
  const numbers = all.flatMap(({ body }) =>
    [...body.matchAll(/^\{"hit":(\d+)/g)].map(([, hit]) => Number(hit)),
  )
  return { n, from, counts: fuzzCase.counts, numbers, isHasty: all.some(hasty), complaints }
}
