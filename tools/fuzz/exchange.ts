// Sends one case on one connection and reads what comes back. After the case comes a canary: a request whose answer can only be
// its own, so that an answer that belongs to another request shows.

import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { type HttpAnswer, headerOf, isFeed, readAnswers } from './answers.ts'
import type { Door, FuzzCase } from './cases/cases.ts'

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
