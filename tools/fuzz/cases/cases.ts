// What the fuzz test sends: a grammar of requests, from plain ones to broken ones. Case `n` of a seed is always the same. In all
// texts a character is a byte, and MARK becomes the case's mark, which no answer may repeat.

import fc, { type Arbitrary } from 'fast-check'
import { type Body, body, noBody } from './bodies.ts'
import { knownHeader, oddHeader } from './headers.ts'
import { apiQuery, fixedPaths, method, target, version } from './request-lines.ts'
import { choice, oneOf, weighted } from './texts.ts'

/** Where a case is sent: NGINX, a replica past NGINX, NGINX with HTTPS, and the HTTP port that redirects there. */
export type Door = 'nginx' | 'replica' | 'https' | 'redirect'

type RequestShape = {
  method: string
  target: string
  version: string
  /** whole lines without their end */
  headers: string[]
  body: Body
  /** the end of each line */
  lineEnd: string
}

/** A change of the finished bytes; `place` is a share of them. */
type Mutation = { kind: 'insert' | 'delete' | 'replace' | 'repeat'; place: number; byte: number }

export type FuzzCase = {
  door: Door
  /** sent together */
  requests: RequestShape[]
  mutations: Mutation[]
  /** whether the bytes are sent in two parts, and where they are cut: a share of them */
  cut: number | null
  /** whether the canary is sent with the case, or after its first answer */
  canary: 'together' | 'after'
}

/** The bytes of a case, before the canary. */
export function bytesOf({ requests, mutations }: FuzzCase, words: Record<string, string>): string {
  const plain = requests.map(request => textOf(request)).join('')
  return mutations.reduce(mutate, fillIn(plain, words))
}

const fillIn = (text: string, words: Record<string, string>) =>
  text.replace(/MARK|ASSET|SRVID|ADDRESS/g, word => words[word] ?? word)

function textOf({ method, target, version, headers, body, lineEnd }: RequestShape): string {
  const first = [method, target, version].filter((part, at) => at < 2 || part !== '').join(' ')
  return `${[first, ...headers, ...body.headers, '', ''].join(lineEnd)}${body.bytes}`
}

function mutate(bytes: string, { kind, place, byte }: Mutation): string {
  const at = Math.floor(place * bytes.length)
  const [before, after] = [bytes.slice(0, at), bytes.slice(at)]
  if (kind === 'insert') return before + String.fromCharCode(byte) + after
  if (kind === 'delete') return before + after.slice(1 + (byte % 8))
  if (kind === 'replace') return before + String.fromCharCode(byte) + after.slice(1)
  return before + after.slice(0, byte) + after
}

const host = 'Host: board.example'

/** A GET as any client writes it. */
const plainGet = (target: string, headers: string[]): RequestShape => ({
  method: 'GET',
  target,
  version: 'HTTP/1.1',
  headers: [host, ...headers],
  body: noBody,
  lineEnd: '\r\n',
})

const plainRequest: Arbitrary<RequestShape> = fc
  .tuple(
    weighted<string>([4, fc.constant('/')], [2, fixedPaths], [1, apiQuery]),
    fc.array(knownHeader, { maxLength: 3 }),
  )
  .map(([target, headers]) => plainGet(target, headers))

const pageView: Arbitrary<RequestShape> = fc
  .tuple(
    choice('/ ¦ / ¦ /?q=1 ¦ /?MARK'),
    oneOf('Accept: text/html', 'Accept: application/json', 'Accept: */*'),
    oneOf('Accept-Encoding: gzip', 'Accept-Encoding: identity'),
  )
  .map(([target, ...headers]) => plainGet(target, headers))

const oddRequest: Arbitrary<RequestShape> = fc.record({
  method,
  target,
  version,
  headers: fc
    .tuple(
      weighted<string[]>(
        [12, fc.constant([host])],
        [1, fc.constant([])],
        [1, fc.constant([host, 'Host: MARK.example'])],
      ),
      fc.array(weighted<string>([5, knownHeader], [2, oddHeader]), { maxLength: 6 }),
    )
    .map(([first, others]) => [...first, ...others]),
  body,
  lineEnd: weighted<string>([30, fc.constant('\r\n')], [1, oneOf('\n', '\r', '\n\r', '\r\n ', '\r\r\n')]),
})

const http2Preface: RequestShape = {
  method: 'PRI',
  target: '*',
  version: 'HTTP/2.0',
  headers: [],
  body: { ...noBody, bytes: 'SM\r\n\r\n\0\0\0\u0004\0\0\0\0\0', framing: 'open' },
  lineEnd: '\r\n',
}

const requests = weighted<RequestShape[]>(
  [14, oddRequest.map(request => [request])],
  [5, plainRequest.map(request => [request])],
  [3, pageView.map(request => [request])],
  [
    2,
    fc.array(weighted<RequestShape>([2, plainRequest], [1, oddRequest], [2, pageView]), {
      minLength: 2,
      maxLength: 4,
    }),
  ],
)

const mutation: Arbitrary<Mutation> = fc.record({
  kind: fc.constantFrom('insert', 'delete', 'replace', 'repeat'),
  place: fc.integer({ min: 0, max: 999 }).map(share => share / 1000),
  byte: weighted<number>(
    [3, fc.constantFrom(0, 9, 10, 11, 13, 32, 37, 47, 58, 59, 63, 92, 127, 128, 255)],
    [1, fc.nat({ max: 255 })],
  ),
})

const share = fc.integer({ min: 1, max: 99 }).map(each => each / 100)

/** All cases. */
export const anyCase: Arbitrary<FuzzCase> = fc
  .record({
    door: weighted<Door>(
      [11, fc.constant('nginx')],
      [6, fc.constant('replica')],
      [2, fc.constant('https')],
      [1, fc.constant('redirect')],
    ),
    requests: weighted<RequestShape[]>([99, requests], [1, fc.constant([http2Preface])]),
    mutations: weighted<Mutation[]>(
      [5, fc.constant([])],
      [1, fc.array(mutation, { minLength: 1, maxLength: 3 })],
    ),
    cut: weighted<number | null>([5, fc.constant(null)], [1, share]),
    canary: fc.constantFrom('together', 'after'),
  })
  // With another byte a HEAD may be no HEAD, and whether its answer has a body would be uncertain.
  .map(each => (each.requests.some(({ method }) => /HEAD/i.test(method)) ? { ...each, mutations: [] } : each))

/** The seed of case `n`, so that it can be repeated without the cases before it. */
export const seedOfCase = (seed: number, n: number) =>
  (Math.imul(seed ^ (n * 0x9e3779b1), 0x85ebca6b) ^ n) | 0

/** Case `n` of a seed. */
export function caseAt(seed: number, n: number): FuzzCase {
  const [first] = fc.sample(anyCase, { seed: seedOfCase(seed, n), numRuns: 1 })
  if (!first) throw new Error(`there is no case ${n}`)
  return first
}
