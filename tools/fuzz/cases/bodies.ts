// Bodies, and how the head of a request states their length: truly, falsely, twice, or in ways that two servers could understand
// differently.

import fc, { type Arbitrary } from 'fast-check'
import { attack, choice, oneOf, repeated, sizeOf, weighted } from './texts.ts'

/**
 * How the length of the body must be understood. `sound`: in one way. `ambiguous`: in two, so the request must be refused and its
 * connection closed. `open`: the server decides, and may find another request in the bytes.
 */
type Framing = 'sound' | 'ambiguous' | 'open'

export type Body = { headers: string[]; bytes: string; framing: Framing }

/** A request that must stay inside the body that it is hidden in. */
const hidden = oneOf(
  'GET / HTTP/1.1\r\nHost: hidden\r\nX-MARK: 1\r\n\r\n',
  'GET /metrics HTTP/1.1\r\nHost: hidden\r\n\r\n',
  'GET / HTTP/1.1\r\nX-Ignore: ',
  'POST /api/forget HTTP/1.1\r\nHost: hidden\r\nContent-Length: 10\r\n\r\n',
)
const content = weighted<string>([2, attack], [1, repeated('x', 20_000)], [2, hidden], [1, fc.constant('')])

const chunk = (text: string) => `${sizeOf(text).toString(16)}\r\n${text}\r\n`
const asChunks = (text: string) => `${text === '' ? '' : chunk(text)}0\r\n\r\n`

export const noBody: Body = { headers: [], bytes: '', framing: 'sound' }
const lengthOf = (text: string | number) => `Content-Length: ${text}`
const chunked = 'Transfer-Encoding: chunked'

export const body: Arbitrary<Body> = weighted<Body>(
  [40, fc.constant(noBody)],
  [1, fc.constant({ ...noBody, headers: [lengthOf(0)] })],
  [3, content.map(text => ({ headers: [lengthOf(sizeOf(text))], bytes: text, framing: 'sound' as const }))],
  [3, content.map(text => ({ headers: [chunked], bytes: asChunks(text), framing: 'sound' as const }))],
  // The declared length is a lie.
  [
    2,
    fc.tuple(content, fc.integer({ min: 1, max: 5000 })).map(([text, more]) => ({
      headers: [lengthOf(sizeOf(text) + more)],
      bytes: text,
      framing: 'open' as const,
    })),
  ],
  [
    2,
    fc.tuple(content, fc.nat({ max: 20 })).map(([text, length]) => ({
      headers: [lengthOf(Math.min(length, sizeOf(text)))],
      bytes: text,
      framing: 'open' as const,
    })),
  ],
  // Two lengths.
  [
    3,
    content.map(text => ({
      headers: [lengthOf(sizeOf(text) + 1), chunked],
      bytes: asChunks(text),
      framing: 'ambiguous' as const,
    })),
  ],
  [
    3,
    content.map(text => ({
      headers: [chunked, lengthOf(4)],
      bytes: asChunks(text),
      framing: 'ambiguous' as const,
    })),
  ],
  [
    2,
    content.map(text => ({
      headers: [lengthOf(sizeOf(text)), lengthOf(sizeOf(text) + 1)],
      bytes: text,
      framing: 'ambiguous' as const,
    })),
  ],
  [
    2,
    content.map(text => ({
      headers: [lengthOf(sizeOf(text) + 7), lengthOf(sizeOf(text))],
      bytes: text,
      framing: 'ambiguous' as const,
    })),
  ],
  [
    1,
    content.map(text => ({
      headers: [lengthOf(sizeOf(text)), lengthOf(sizeOf(text))],
      bytes: text,
      framing: 'open' as const,
    })),
  ],
  // No number.
  [
    3,
    fc
      .tuple(
        choice(`
    -1 ¦ +5 ¦ 0x5 ¦ 5,5 ¦ 5, 6 ¦ 1e1 ¦ 5 5 ¦ 18446744073709551617 ¦ 99999999999999999999999 ¦
    \u00b5 ¦ MARK ¦ NONE`),
        content,
      )
      .map(([length, text]) => ({ headers: [lengthOf(length)], bytes: text, framing: 'ambiguous' as const })),
  ],
  [
    1,
    fc
      .tuple(
        oneOf(
          'Content-Length : 5',
          'Content_Length: 5',
          'Content-Length:5',
          'Content-Length:\t5',
          'Content-Length: 5 ',
          'Content-Length: 005',
          'Content-Length:\r\n 5',
        ),
        content,
      )
      .map(([line, text]) => ({ headers: [line], bytes: text, framing: 'open' as const })),
  ],
  // Other transfer codings, and other ways to write this one.
  [
    4,
    fc
      .tuple(
        choice(`
    Transfer-Encoding: xchunked ¦ Transfer-Encoding: identity ¦
    Transfer-Encoding: chunked, identity ¦ Transfer-Encoding: chunked, chunked ¦
    Transfer-Encoding: gzip ¦ Transfer-Encoding: "chunked" ¦ Transfer-Encoding: chunkedMARK ¦
    Transfer-Encoding: chunked\u000b ¦ Transfer-Encoding: MARK ¦ Transfer-Encoding: \0chunked`),
        content,
      )
      .map(([line, text]) => ({ headers: [line], bytes: asChunks(text), framing: 'ambiguous' as const })),
  ],
  [
    3,
    fc
      .tuple(
        oneOf(
          'Transfer-Encoding: gzip, chunked',
          'Transfer-Encoding: CHUNKED',
          'transfer-encoding:chunked',
          'Transfer-Encoding:\tchunked',
          'Transfer-Encoding:  chunked ',
          'Transfer-Encoding : chunked',
          'Transfer_Encoding: chunked',
          ' Transfer-Encoding: chunked',
          'Transfer-Encoding:\r\n chunked',
          'X: y\nTransfer-Encoding: chunked',
          'Transfer-Encoding: chunked\r\nTransfer-Encoding: identity',
          'Transfer-Encoding: identity\r\nTransfer-Encoding: chunked',
          'Transfer-Encoding:',
        ),
        fc.option(oneOf('Content-Length: 4', 'Content-Length: 0'), { nil: undefined }),
        content,
      )
      .map(([line, length, text]) => ({
        headers: length === undefined ? [line] : [line, length],
        bytes: asChunks(text),
        framing: 'open' as const,
      })),
  ],
  // Broken chunks.
  [
    4,
    fc
      .tuple(
        oneOf(
          '-1\r\n',
          '0x5\r\nhello\r\n0\r\n\r\n',
          '5 \r\nhello\r\n0\r\n\r\n',
          '5;MARK=1\r\nhello\r\n0\r\n\r\n',
          `5;${'x'.repeat(9000)}\r\nhello\r\n0\r\n\r\n`,
          '5\nhello\n0\n\n',
          '5\r\nhelloX0\r\n\r\n',
          '5\r\nhello\r\n0\r\nX-MARK: 1\r\nContent-Length: 5\r\n\r\n',
          'ffffffffffffffff1\r\nhello',
          '10000000000000005\r\nhello\r\n0\r\n\r\n',
          '5',
          '5\r\nhel',
          '0\r\n',
          '00000000000000000005\r\nhello\r\n0\r\n\r\n',
          'g\r\n',
          '\r\n',
          '5\rhello\r0\r\r',
        ),
        hidden,
      )
      .map(([bytes, rest]) => ({ headers: [chunked], bytes: bytes + rest, framing: 'open' as const })),
  ],
)
