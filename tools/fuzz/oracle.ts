// What must hold for each answer, whatever was sent. Pure: it gets what was sent and what came back, and says what is wrong.

import type { FuzzCase } from './cases/cases.ts'
import { type Exchange, type HttpAnswer, headerOf, isCanaryAnswer } from './exchange.ts'

type Judged = {
  fuzzCase: FuzzCase
  /** what was sent, before the canary */
  bytes: string
  /** the word that only the canary's answer has */
  canary: string
  exchange: Exchange
}

/** Every mark begins like this, so that an answer that repeats another case's mark shows too. */
const markPattern = /zq\d+zq/i

/** Complaints about one case; none if all is well. */
export function judge(judged: Judged): string[] {
  const { fuzzCase, exchange, canary } = judged
  const { answers, malformed, end } = exchange
  const isHeadless = /^an answer begins with/.test(malformed ?? '') && mayBeHeadless(fuzzCase)
  const own = answers.filter(answer => !isCanaryAnswer(answer, canary))
  const requests = requestsIn(judged)
  return [
    ...own.flatMap(answer => judgeAnswer(answer, judged)),
    ...(malformed !== null && !isHeadless && !isReset(fuzzCase, malformed)
      ? [`what the server sent is not HTTP: ${malformed}`]
      : []),
    ...(end === 'hung' ? ['the connection was neither answered nor closed'] : []),
    ...judgeOrder(judged, own),
    ...judgeHits(own, requests),
    ...(isAmbiguous(fuzzCase) ? judgeRefusal(judged, own) : []),
    ...(isPlain(fuzzCase) ? judgePlain(judged, own) : []),
  ]
}

/** Answers with status 5xx that are right. Any other is a fault. */
const allowedFailures: { status: number; code: string; when(judged: Judged): boolean }[] = [
  // The documented answer to a page that is requested in advance.
  { status: 503, code: 'not_in_advance', when: ({ bytes }) => /prefetch|prerender|preview/i.test(bytes) },
  // The documented answer if two exports run.
  { status: 503, code: 'too_many_exports', when: ({ bytes }) => /log\.csv/.test(bytes) },
  // The documented answer of a server of the lab that fails on purpose.
  { status: 503, code: 'lab_failure', when: ({ bytes }) => /fail/i.test(bytes) },
  // RFC 9112, 6.1: the answer to a transfer coding that the server does not know.
  { status: 501, code: 'not_implemented', when: ({ bytes }) => /transfer-encoding/i.test(bytes) },
  // RFC 9110, 15.6.6: the answer to a major version that the server does not support.
  { status: 505, code: 'version_not_supported', when: ({ bytes }) => /HTTP\/(?!1\.)/i.test(bytes) },
]

/** Codes of answers to page views for which there was no time. The run sends the case again, alone: it may not get one then. */
const codesOfHaste = [
  'counter_unavailable',
  'outcome_unknown',
  'overloaded',
  'no_answer',
  'no_replica',
  'database_unavailable',
]

export const isHasty = ({ answers }: Pick<Exchange, 'answers'>) =>
  answers.some(({ status, body }) => status === 503 && codesOfHaste.some(code => body.includes(code)))

function judgeAnswer(answer: HttpAnswer, judged: Judged): string[] {
  const { status, headers, body } = answer
  const complaints: string[] = []
  const type = headerOf(answer, 'content-type')
  if (status >= 500) {
    const allowed = allowedFailures.some(
      each => each.status === status && names(answer, each.code) && each.when(judged),
    )
    if (!allowed) complaints.push(`status ${status}: ${body.slice(0, 200)}`)
  }
  if (
    status >= 400 &&
    !(isHeadAnswer(answer) && mayHaveNoBody(judged)) &&
    errorCode(answer) === null &&
    !isErrorPage(answer) &&
    !isWordsOfNginx(answer, judged)
  )
    complaints.push(
      `status ${status} is not in the format of errors: ${type}, ${JSON.stringify(body.slice(0, 200))}`,
    )
  for (const [name, value] of headers)
    if (markPattern.test(`${name}: ${value}`) && !isOwnRedirect(answer, name, value, judged))
      complaints.push(`a header repeats what the client sent: ${name}: ${value.slice(0, 200)}`)
  if (status >= 300 && status < 400 && status !== 304 && judged.fuzzCase.door !== 'redirect')
    complaints.push(`status ${status} redirects to ${headerOf(answer, 'location')}`)
  const repeated = markPattern.exec(withoutEcho(answer, judged))
  if (repeated) complaints.push(`a body repeats what the client sent: …${around(body, repeated[0])}…`)
  if (type.startsWith('text/x-component') || /^\d+:[["I{]/.test(body))
    complaints.push('flight data is answered')
  if (type.startsWith('application/json') && body !== '' && !isJson(body))
    complaints.push('the JSON cannot be parsed')
  return complaints
}

function around(body: string, word: string): string {
  const at = body.indexOf(word)
  return body.slice(Math.max(0, at - 60), at + 60)
}

/** A HEAD, or what may be read as one, is answered without a body. */
const mayHaveNoBody = ({ bytes }: Judged) => /HEAD/i.test(bytes)

const isHeadAnswer = ({ body }: HttpAnswer) => body === ''

function isJson(text: string): boolean {
  try {
    JSON.parse(Buffer.from(text, 'latin1').toString())
    return true
  } catch {
    return false
  }
}

/** The code of an error in JSON; null if the body has none. */
function errorCode({ headers, body }: HttpAnswer): string | null {
  if (!headerOf({ headers }, 'content-type').startsWith('application/json')) return null
  return /^\{"error":\{"code":"([a-z_]+)","message":"/.exec(body)?.[1] ?? null
}

const isErrorPage = ({ headers, body }: HttpAnswer) =>
  headerOf({ headers }, 'content-type').startsWith('text/html') &&
  /^<!doctype html>/i.test(body) &&
  body.includes('Balance Board')

/**
 * One page of NGINX itself is left: it reads the body of a request that it refuses, and if the chunks are broken, it has used its
 * error page already.
 */
const isWordsOfNginx = ({ status, body }: HttpAnswer, { fuzzCase, bytes }: Judged) =>
  fuzzCase.door !== 'replica' &&
  status === 400 &&
  /transfer-encoding/i.test(bytes) &&
  body.includes('<center>nginx</center>')

/** An error page of NGINX does not have the code, and one of a replica has it as text. */
function names(answer: HttpAnswer, code: string): boolean {
  const given = errorCode(answer)
  return given === null ? isErrorPage(answer) || isHeadAnswer(answer) : given === code
}

/** The redirect to HTTPS keeps host and path as the client wrote them. */
function isOwnRedirect(
  { status }: HttpAnswer,
  name: string,
  value: string,
  { fuzzCase, bytes }: Judged,
): boolean {
  if (fuzzCase.door !== 'redirect' || status !== 308 || name !== 'location') return false
  const { host } = readHost(value)
  return host !== '' && bytes.toLowerCase().includes(host.toLowerCase())
}

function readHost(location: string): { host: string } {
  return {
    host: /^https:\/\/([a-z0-9._\u0080-\u00ff-]+|\[[0-9a-f:.]+\])(:\d+)?\//i.exec(location)?.[1] ?? '',
  }
}

/**
 * The body without what may be repeated: the name of a parameter in an error, in JSON; and the host at which the client reached
 * the board, in the address that the page shows.
 */
function withoutEcho(answer: HttpAnswer, { fuzzCase }: Judged): string {
  const { status, body } = answer
  if (status === 400 && errorCode(answer) === 'bad_parameter' && isJson(body)) return ''
  const isPage =
    status === 200 &&
    headerOf(answer, 'x-hit') !== '' &&
    headerOf(answer, 'content-type').startsWith('text/html')
  if (!isPage || fuzzCase.requests.length === 0) return body
  return body.replaceAll(/https?:\/\/[a-z0-9.-]+(:\d+)?/gi, '')
}

/** No answer to the canary but the last, and no more answers than requests. */
function judgeOrder({ fuzzCase, exchange, canary }: Judged, own: HttpAnswer[]): string[] {
  const { answers, end } = exchange
  const complaints: string[] = []
  if (answers.slice(0, -1).some(answer => isCanaryAnswer(answer, canary)))
    complaints.push('answers came after the answer to the last request')
  if (isCounted(fuzzCase) && own.length > fuzzCase.requests.length)
    complaints.push(`${own.length} answers to ${fuzzCase.requests.length} requests`)
  if (isPlain(fuzzCase) && end === 'given up' && exchange.malformed === null)
    complaints.push('the request after it on the connection got no answer')
  return complaints
}

/** Whether the end of each request is certain, so that no server waits for more bytes. */
export const isSound = (fuzzCase: FuzzCase) => isCounted(fuzzCase)

/** Whether the number of requests is certain. */
const isCounted = ({ requests, mutations }: FuzzCase) =>
  mutations.length === 0 &&
  requests.every(each => each.body.framing !== 'open' && each.lineEnd === '\r\n' && isClean(each))

/** Nothing in it can be understood as the end of a line. */
const isClean = ({ method, target, version, headers }: FuzzCase['requests'][number]) =>
  ![method, target, version, ...headers].some(text => /[\r\n]/.test(text))

/** A well-formed request of HTTP/1.1 without a body. */
const isPlain = (fuzzCase: FuzzCase) =>
  isCounted(fuzzCase) &&
  fuzzCase.requests.every(
    ({ method, version, headers, body }) =>
      /^(GET|HEAD|OPTIONS|DELETE)$/.test(method) &&
      version === 'HTTP/1.1' &&
      body.headers.length === 0 &&
      headers.every(
        header =>
          /^[A-Za-z0-9-]+: [\x20-\x7e]*$/.test(header) &&
          !/^(Content-Length|Transfer-Encoding|Upgrade|Connection|Expect)/i.test(header),
      ) &&
      headers.filter(header => /^host:/i.test(header)).length === 1,
  )

const isAmbiguous = ({ requests, mutations }: FuzzCase) =>
  mutations.length === 0 &&
  requests.length === 1 &&
  requests.every(
    each =>
      each.body.framing === 'ambiguous' &&
      each.lineEnd === '\r\n' &&
      isClean(each) &&
      each.headers.join('').length < 4000,
  )

function judgeRefusal({ exchange }: Judged, own: HttpAnswer[]): string[] {
  const complaints: string[] = []
  if (own.some(({ status }) => status < 400))
    complaints.push(`a request with an ambiguous length got status ${own[0]?.status}`)
  if (own.length > 1 || exchange.end === 'canary answered')
    complaints.push('a request with an ambiguous length did not end its connection')
  return complaints
}

function judgePlain({ fuzzCase }: Judged, own: HttpAnswer[]): string[] {
  const complaints: string[] = []
  for (const [index, request] of fuzzCase.requests.entries()) {
    const answer = own[index]
    if (
      answer &&
      headerOf(answer, 'x-hit') !== '' &&
      !isPageView(request.method, request.target, request.headers)
    )
      complaints.push(`counted, and no page view: ${request.method} ${request.target}`)
  }
  return complaints
}

type RequestLine = { method: string; target: string; headers: string[] }

/** The requests that the bytes of the case have, as far as they can be told apart. Null: another reading is possible. */
function requestsIn({ fuzzCase }: Judged): RequestLine[] | null {
  if (!isCounted(fuzzCase)) return null
  return fuzzCase.requests.map(({ body, headers, ...line }) => ({
    ...line,
    headers: [...headers, ...body.headers],
  }))
}

/** No more numbers than page views, and a number only on a page view that succeeded. */
function judgeHits(own: HttpAnswer[], requests: RequestLine[] | null): string[] {
  const complaints: string[] = []
  const counted = own.filter(answer => headerOf(answer, 'x-hit') !== '')
  for (const { status } of counted.filter(({ status }) => status !== 200))
    complaints.push(`status ${status} has a number`)
  if (requests === null) return complaints
  const most = requests.filter(({ method, target, headers }) => isPageView(method, target, headers)).length
  if (counted.length > most) complaints.push(`${counted.length} numbers for ${most} page views`)
  for (const answer of own) if (isPageWithoutNumber(answer)) complaints.push('a page view without a number')
  return complaints
}

const isPageWithoutNumber = (answer: HttpAnswer) =>
  answer.status === 200 &&
  headerOf(answer, 'content-type').startsWith('text/html') &&
  answer.body.includes('<title>Balance Board') &&
  headerOf(answer, 'x-hit') === ''

/** Whether a request may be counted: by docs/api.md, written apart from the replica's code. */
export function isPageView(method: string, target: string, headers: string[]): boolean {
  if (method.trim() !== 'GET') return false
  const path = target.replace(/^https?:\/\/[^/?#]*/i, '')
  if (!/^\/?([?#]|$)/.test(path)) return false
  if (
    headers.some(header =>
      /^(sec-purpose|purpose|x-purpose|x-moz):.*(prefetch|prerender|preview)/i.test(header),
    )
  )
    return false
  if (headers.some(header => /^(content-length: *0*[1-9]|transfer-encoding:)/i.test(header))) return false
  return !headers.some(header => /^rsc:/i.test(header))
}

/** Whether a request can be one of HTTP/0.9, whose answer has no head. */
const mayBeHeadless = ({ mutations, requests }: FuzzCase) =>
  mutations.length > 0 ||
  requests.some(
    ({ version, target, method }) => !/^HTTP\/1\.\d$/.test(version) || /[\r\n]/.test(method + target),
  )

/**
 * Whether an answer is cut because its connection was reset. A replica closes without reading what the client still sends, and the
 * reset can overtake the answer (RFC 9112, 9.6). NGINX waits for the client.
 */
const isReset = ({ door }: FuzzCase, malformed: string | null) =>
  door === 'replica' && /^the connection ended/.test(malformed ?? '')

/** Whether a page view of the case may be in the log without a number in an answer: the client left, or could not read it. */
export const mayBeUnanswered = ({ end, malformed, answers }: Exchange) =>
  // A reset discards answers that have arrived and were not read: as when more was sent after a request that ends the connection.
  end === 'reset' ||
  end === 'fed' ||
  end === 'given up' ||
  end === 'hung' ||
  malformed !== null ||
  isHasty({ answers })

/** The numbers that the answers of a case have. */
export const numbersIn = ({ answers }: Exchange) =>
  answers.flatMap(answer => (headerOf(answer, 'x-hit') === '' ? [] : [Number(headerOf(answer, 'x-hit'))]))
