// What the fuzz test sends over HTTP/2: frames that are written byte by byte, since a client's library refuses most of them.

import fc, { type Arbitrary } from 'fast-check'
import { choice, markOf, oneOf, repeated, weighted } from './texts.ts'

type Field = [name: string, value: string]

export type Http2Case = {
  frames: Buffer[]
  /** how many page views it may count */
  counts: [least: number, most: number]
  /** streams that must be answered or reset */
  streams: number
}

// Types and flags of frames: RFC 9113, 6.
export const frameType = {
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
export const [endStream, ack] = [1, 1]
const endHeaders = 4

/** @param length default: the payload's */
export function frame(
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
export const anyMark = markOf(0)
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
      ? frame(frameType.headers, flags | last, stream, piece)
      : frame(frameType.continuation, last, stream, piece)
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
const openPage = frame(frameType.headers, endStream, 1, pageBlock)

const continuations = fc.oneof(
  // A flood within bounds, whose end never comes
  fc.tuple(fc.integer({ min: 1, max: 300 }), fc.integer({ min: 0, max: 60 })).map(([many, size]) => {
    const piece = frame(frameType.continuation, 0, 1, fieldBlock([['x', 'a'.repeat(size)]]))
    return none([openPage, ...Array.from({ length: many }, () => piece)])
  }),
  // of another stream, of none, without a beginning, and other frames in between
  fc
    .constantFrom<Buffer[]>(
      frame(frameType.continuation, endHeaders, 3),
      frame(frameType.continuation, endHeaders, 0),
      frame(frameType.ping, 0, 0, Buffer.alloc(8)),
      frame(frameType.data, endStream, 1),
      frame(frameType.headers, endStream | endHeaders, 3, pageBlock),
    )
    .map(between => none([openPage, between, frame(frameType.continuation, endHeaders, 1)])),
  fc.constant(none([frame(frameType.continuation, endHeaders, 1, pageBlock)])),
)

const resets = fc.tuple(fc.integer({ min: 1, max: 100 }), oneOf('/', '/api/snapshot', '/api/live')).map(
  ([many, path]): Http2Case => ({
    frames: Array.from({ length: many }, (_, at) => at).flatMap(at => [
      ...request(streamOf(at), [...pseudo(path), json]),
      frame(frameType.reset, 0, streamOf(at), Buffer.from([0, 0, 0, 8])),
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
        frame(frameType.data, ends ? endStream : 0, 1, bytesOf(body)),
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
        .filter(([kind]) => kind !== frameType.headers && kind !== frameType.continuation)
        .map(([kind, flags, stream, payload]) => frame(kind, flags, stream, Buffer.from(payload))),
      fc.constantFrom(
        frame(frameType.settings, 0, 0, Buffer.alloc(5)),
        frame(frameType.settings, ack, 0, Buffer.alloc(6)),
        frame(frameType.ping, 0, 0, Buffer.alloc(7)),
        frame(frameType.priority, 0, 1, Buffer.from([0, 0, 0, 1, 16])),
        frame(frameType.goAway, 0, 0, Buffer.alloc(8)),
        frame(frameType.windowUpdate, 0, 0, Buffer.alloc(4)),
        frame(frameType.windowUpdate, 0, 0, Buffer.from([0x7f, 0xff, 0xff, 0xff])),
        frame(frameType.data, 0, 0, Buffer.alloc(10)),
        frame(frameType.data, 0, 1, Buffer.alloc(10), 0xffffff),
        frame(frameType.headers, endStream | endHeaders, 2, pageBlock),
        frame(frameType.headers, endStream | endHeaders, 0, pageBlock),
        frame(frameType.headers, endStream | endHeaders, 1, Buffer.from([0xff, 0xff, 0xff, 0xff, 0xff])),
      ),
    ),
    { minLength: 1, maxLength: 4 },
  )
  .chain(frames =>
    fc.integer({ min: 1, max: 80 }).map(times => none(Array.from({ length: times }, () => frames).flat())),
  )

export const anyHttp2Case: Arbitrary<Http2Case> = weighted<Http2Case>(
  [4, plain],
  [4, badPseudoHeaders],
  [3, badFields],
  [2, oversized],
  [2, continuations],
  [2, resets],
  [2, bodies],
  [3, oddFrames],
)
