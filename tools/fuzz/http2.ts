// Sends the cases of HTTP/2 to NGINX with HTTPS, each on one connection and from an address that no other case has. So the log
// says how many page views a case has counted.

import { once } from 'node:events'
import { connect as connectTls, type TLSSocket } from 'node:tls'
import fc from 'fast-check'
import { seedOfCase } from './cases/cases.ts'
import { ack, anyHttp2Case, anyMark, endStream, frame, frameType, type Http2Case } from './cases/http2.ts'
import { markOf } from './cases/texts.ts'
import type { Place } from './exchange.ts'
import { isHasty } from './oracle.ts'

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
    if (kind === frameType.headers && answer.status === 0) answer.status = statusIn(payload)
    if (kind === frameType.data) answer.body += payload.toString('latin1')
    const isEnd = (kind === frameType.headers || kind === frameType.data) && (flags & endStream) !== 0
    if (isEnd || kind === frameType.reset) answer.isWhole = true
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
  frame(frameType.settings, 0, 0, Buffer.from([0, 4, 0x40, 0, 0, 0])),
  frame(frameType.settings, ack, 0),
  frame(frameType.windowUpdate, 0, 0, Buffer.from([0x3f, 0, 0, 0])),
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
  const [fuzzCase] = fc.sample(anyHttp2Case, { seed: seedOfCase(seed, n), numRuns: 1 })
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
