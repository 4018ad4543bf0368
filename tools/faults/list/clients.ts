import { once } from 'node:events'
import { Agent } from 'node:http'
import { connect } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { nginxWorkers, signalProcess } from '../../lib/processes.ts'
import { unanswered, visitOnce } from '../../lib/visitors.ts'
import { until } from '../../lib/wait.ts'
import type { Fault } from '../testbed/fault.ts'
import { loopbackAddress } from '../testbed/load.ts'
import type { Testbed } from '../testbed/testbed.ts'

export const dashboardsDropped: Fault = {
  name: 'dashboards-dropped',
  title: '2,000 dashboards connected and dropped together',
  async inject({ url }) {
    const streams: RawSocket[] = []
    try {
      await openDashboards(url, 2000, streams)
    } finally {
      for (const stream of streams) stream.drop()
    }
  },
}

const slowClientCount = 150
const seconds = 8
const slowRequest = 'GET / HTTP/1.1\r\nHost: board\r\nAccept: text/html\r\n\r\n'

export const slowClients: Fault = {
  name: 'slow-clients',
  title: `${slowClientCount} clients that send, and ${slowClientCount} that read, one byte a second`,
  async inject(testbed) {
    const senders = await openSockets(testbed.url, slowClientCount, n => loopbackAddress(3, n))
    const readers = await openSockets(testbed.url, slowClientCount, n => loopbackAddress(4, n))
    testbed.sideTraffic.push(...readers.map(({ from }) => unanswered(from)))
    for (const reader of readers) reader.send(slowRequest)
    for (const letter of slowRequest.slice(0, seconds)) {
      for (const sender of senders) sender.send(letter)
      for (const reader of readers) reader.readOneByte()
      await pause(1000)
    }
    for (const socket of [...senders, ...readers]) socket.drop()
  },
}

const length = 'Content-Length: 16000\r\n\r\n'
const chunked = 'Transfer-Encoding: chunked\r\n\r\n'
/** Together more than NGINX's limit of concurrent page views */
const kinds = [
  { head: `GET / HTTP/1.1\r\nHost: board\r\n${length}`, count: 400, byte: 'x' },
  { head: `GET / HTTP/1.1\r\nHost: board\r\n${chunked}`, count: 100, byte: '1\r\nx\r\n' },
  { head: `POST / HTTP/1.1\r\nHost: board\r\n${length}`, count: 100, byte: 'x' },
  { head: `POST / HTTP/1.1\r\nHost: board\r\n${chunked}`, count: 100, byte: '1\r\nx\r\n' },
]
const slowBodyClients = kinds.reduce((sum, { count }) => sum + count, 0)

/** No body ever ends, so none of these requests counts as a page view. Other visitors must not be affected. */
export const slowBodies: Fault = {
  name: 'slow-bodies',
  title: `${slowBodyClients} clients that send a body with a page view, one byte every two seconds`,
  async inject(testbed) {
    const groups = await Promise.all(
      kinds.map(async ({ head, count, byte }, kind) => {
        const sockets = await openSockets(testbed.url, count, n => loopbackAddress(7, kind * 1000 + n))
        for (const socket of sockets) socket.send(head)
        return { sockets, byte }
      }),
    )
    for (let second = 0; second < seconds; second += 2) {
      for (const { sockets, byte } of groups) for (const socket of sockets) socket.send(byte)
      await pause(2000)
    }
    for (const { sockets } of groups) for (const socket of sockets) socket.drop()
  },
}

const groups = 20
const inGroup = 25
const abandonedRequest = 'GET / HTTP/1.1\r\nHost: board\r\n\r\n'

/** Each may be counted or not. Other visitors must not be affected. */
export const leavingClients: Fault = {
  name: 'leaving-clients',
  title: `${groups * inGroup} clients that disconnect mid-request`,
  async inject(testbed) {
    for (let group = 0; group < groups; group++) {
      const sockets = await openSockets(testbed.url, inGroup, n => loopbackAddress(5, group * inGroup + n))
      testbed.sideTraffic.push(...sockets.map(({ from }) => unanswered(from)))
      for (const socket of sockets) {
        socket.send(abandonedRequest.slice(0, abandonedRequest.length - testbed.random.oneOf([0, 0, 0, 5])))
        await pause(testbed.random.between(0, 3))
        socket.drop()
      }
    }
  },
}

const dashboards = 2000
const missingPages = 4000

/** Each replica and NGINX get the memory limits of their containers. */
export const memoryLimited: Fault = {
  name: 'memory-limited',
  title: `memory limited as in containers: ${dashboards} dashboards, ${missingPages} requests for pages that do not exist`,
  needs: ['memoryLimits'],
  async inject(testbed) {
    await limitNginx(testbed)
    const streams: RawSocket[] = []
    try {
      await openDashboards(testbed.url, dashboards, streams)
    } finally {
      // Dropped, because the feed to all of them costs processor time, and this fault is about memory.
      for (const stream of streams) stream.drop()
    }
    await requestMissingPages(testbed, missingPages)
  },
  async check({ memoryLimits, complaints }) {
    const megabytes = (bytes: number) => Math.round(bytes / 2 ** 20)
    for (const { name, limit, peak, killed } of memoryLimits?.usage() ?? []) {
      // A group without its process proves nothing.
      if (peak < 2 ** 20) complaints.push(`${name} does not run in its group`)
      if (killed === 0) continue
      const used = `${megabytes(peak)} of ${megabytes(limit)} MB`
      complaints.push(`${killed} processes of ${name} were killed for memory (${used})`)
    }
  },
}

/** Replicas start in their groups. NGINX is moved into its group and then starts new workers there. */
async function limitNginx({ processes, memoryLimits }: Testbed): Promise<void> {
  const { pid } = processes().nginx
  const before = nginxWorkers(pid)
  memoryLimits?.place('nginx', pid)
  signalProcess(pid, 'SIGHUP')
  await until('NGINX has new workers', () => nginxWorkers(pid).some(worker => !before.includes(worker)))
}

/** clients that send one request after the other */
const missingPageClients = 10

/**
 * Requests `count` pages that do not exist: a quarter together, the others by `missingPageClients`. Any answer other than 404
 * or a 503 with `Retry-After` becomes a complaint.
 */
async function requestMissingPages({ url, complaints }: Testbed, count: number): Promise<void> {
  const agent = new Agent({ keepAlive: true })
  const statuses = new Map<string, number>()
  let started = 0
  const requestOnce = async () => {
    const n = ++started
    const { answer } = await visitOnce(`${url}nothing-here-${n}`, {
      agent,
      cookie: '',
      accept: 'text/html',
      from: loopbackAddress(8, n % missingPageClients),
    })
    const isRefusal = answer.status === 503 && answer.retryAfter
    if (answer.status === 404 || isRefusal) return
    statuses.set(String(answer.status), (statuses.get(String(answer.status)) ?? 0) + 1)
  }
  await Promise.all(Array.from({ length: count / 4 }, requestOnce))
  const requestInTurn = async () => {
    while (started < count) await requestOnce()
  }
  await Promise.all(Array.from({ length: missingPageClients }, requestInTurn))
  agent.destroy()
  for (const [status, times] of statuses)
    complaints.push(`${times} requests for pages that do not exist were answered with status ${status}`)
}

/** A client connection below HTTP, to send and read single bytes */
type RawSocket = {
  from: string
  send(text: string): void
  /** Whether a byte of an answer arrives before the connection ends. Later bytes are read and dropped. */
  isAnswered(): Promise<boolean>
  /** Reads one byte that has arrived, and leaves the rest in the buffer. */
  readOneByte(): void
  /** Resets the connection. */
  drop(): void
}

/** Opens `count` connections. @returns those that NGINX accepts, which is none while another fault keeps NGINX down */
async function openSockets(url: string, count: number, address: (n: number) => string): Promise<RawSocket[]> {
  const opening = Array.from({ length: count }, (_, n) => openSocket(url, address(n + 1)))
  const opened = await Promise.allSettled(opening)
  return opened.flatMap(result => (result.status === 'fulfilled' ? result.value : []))
}

async function openSocket(url: string, from: string): Promise<RawSocket> {
  const { hostname, port } = new URL(url)
  const socket = connect({ host: hostname, port: Number(port), localAddress: from })
  await once(socket, 'connect')
  socket.on('error', () => {})
  return {
    from,
    send: text => void socket.write(text),
    readOneByte: () => void socket.read(1),
    drop: () => void socket.resetAndDestroy(),
    isAnswered() {
      const { promise, resolve } = Promise.withResolvers<boolean>()
      socket.on('close', () => resolve(false))
      socket.on('data', () => resolve(true))
      return promise
    },
  }
}

const liveRequest = 'GET /api/live HTTP/1.1\r\nHost: board\r\n\r\n'

/** Opens `count` live feeds and adds each connection to `opened`. Each reconnects until it is answered, as a browser does. */
async function openDashboards(url: string, count: number, opened: RawSocket[]): Promise<void> {
  await Promise.all(Array.from({ length: count }, (_, n) => openDashboard(url, n, opened)))
}

async function openDashboard(url: string, n: number, opened: RawSocket[]): Promise<void> {
  await until('a dashboard is connected', async () => {
    const stream = await openSocket(url, loopbackAddress(2, n))
    opened.push(stream)
    stream.send(liveRequest)
    return stream.isAnswered()
  })
}
