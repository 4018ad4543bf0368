import { Agent } from 'node:http'
import { setTimeout as pause } from 'node:timers/promises'
import { nginxWorkers, signalProcess } from '../../lib/processes.ts'
import { unanswered, visitOnce } from '../../lib/visitors.ts'
import { afterDatabase, type Fault } from '../testbed/fault.ts'
import { loopbackAddress } from '../testbed/load.ts'
import { until } from '../testbed/processes.ts'
import { openDashboards, openSockets, type RawSocket } from '../testbed/raw-sockets.ts'
import type { Testbed } from '../testbed/testbed.ts'

export const dashboardsDropped: Fault = {
  name: 'dashboards-dropped',
  title: '2,000 dashboards connected and dropped at once',
  allows: [],
  recoversWithin: afterDatabase,
  async inject({ url }) {
    const streams: RawSocket[] = []
    try {
      await openDashboards(url, 2000, streams)
    } finally {
      for (const stream of streams) stream.drop()
    }
  },
}

const each = 150
const seconds = 8
const slowRequest = 'GET / HTTP/1.1\r\nHost: board\r\nAccept: text/html\r\n\r\n'

export const slowClients: Fault = {
  name: 'slow-clients',
  title: `${each} clients that ask, and ${each} that read, one byte a second`,
  allows: [],
  recoversWithin: afterDatabase,
  async inject(ground) {
    const askers = await openSockets(ground.url, each, n => loopbackAddress(3, n))
    const readers = await openSockets(ground.url, each, n => loopbackAddress(4, n))
    ground.asides.push(...readers.map(({ from }) => unanswered(from)))
    for (const reader of readers) reader.send(slowRequest)
    for (const letter of slowRequest.slice(0, seconds)) {
      for (const asker of askers) asker.send(letter)
      for (const reader of readers) reader.readOneByte()
      await pause(1000)
    }
    for (const socket of [...askers, ...readers]) socket.drop()
  },
}

const length = 'Content-Length: 16000\r\n\r\n'
const chunked = 'Transfer-Encoding: chunked\r\n\r\n'
/** Together as many as the page views that NGINX lets be under way, and more. */
const kinds = [
  { head: `GET / HTTP/1.1\r\nHost: board\r\n${length}`, count: 400, byte: 'x' },
  { head: `GET / HTTP/1.1\r\nHost: board\r\n${chunked}`, count: 100, byte: '1\r\nx\r\n' },
  { head: `POST / HTTP/1.1\r\nHost: board\r\n${length}`, count: 100, byte: 'x' },
  { head: `POST / HTTP/1.1\r\nHost: board\r\n${chunked}`, count: 100, byte: '1\r\nx\r\n' },
]
const slowBodyClients = kinds.reduce((sum, { count }) => sum + count, 0)

/** None of these bodies ever ends, so none of these page views is one, and the others notice nothing. */
export const slowBodies: Fault = {
  name: 'slow-bodies',
  title: `${slowBodyClients} clients that send a body with a page view, a byte every two seconds`,
  allows: [],
  recoversWithin: afterDatabase,
  async inject(ground) {
    const groups = await Promise.all(
      kinds.map(async ({ head, count, byte }, kind) => {
        const sockets = await openSockets(ground.url, count, n => loopbackAddress(7, kind * 1000 + n))
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

/** Each may be counted or not, as far as it got; nobody else is to notice. */
export const leavingClients: Fault = {
  name: 'leaving-clients',
  title: `${groups * inGroup} clients that leave half-way`,
  allows: [],
  recoversWithin: afterDatabase,
  async inject(ground) {
    for (let group = 0; group < groups; group++) {
      const sockets = await openSockets(ground.url, inGroup, n => loopbackAddress(5, group * inGroup + n))
      ground.asides.push(...sockets.map(({ from }) => unanswered(from)))
      for (const socket of sockets) {
        socket.send(abandonedRequest.slice(0, abandonedRequest.length - ground.random.oneOf([0, 0, 0, 5])))
        await pause(ground.random.between(0, 3))
        socket.drop()
      }
    }
  },
}

const dashboards = 2000
const missingPages = 4000

/** Each replica and NGINX have as much memory as their containers have. */
export const memoryLimited: Fault = {
  name: 'memory-limited',
  title: `memory limited as in containers: ${dashboards} dashboards, ${missingPages} requests for pages that do not exist`,
  allows: [],
  needs: ['memoryLimits'],
  recoversWithin: afterDatabase,
  async inject(ground) {
    await limitNginx(ground)
    const streams: RawSocket[] = []
    try {
      await openDashboards(ground.url, dashboards, streams)
    } finally {
      // Not kept: what the feed sends to all of them costs the processor, which is not what is tried here.
      for (const stream of streams) stream.drop()
    }
    await requestMissingPages(ground, missingPages)
  },
  async check({ memoryLimits, complaints }) {
    const megabytes = (bytes: number) => Math.round(bytes / 2 ** 20)
    for (const { name, limit, most, killed } of memoryLimits?.seen() ?? []) {
      // A group without its process would prove nothing.
      if (most < 2 ** 20) complaints.push(`${name} does not run in its group`)
      if (killed === 0) continue
      const used = `${megabytes(most)} of ${megabytes(limit)} MB`
      complaints.push(`${killed} processes of ${name} were killed for memory (${used})`)
    }
  },
}

/** Replicas start in their groups. NGINX is moved into its group, and starts new workers there. */
async function limitNginx({ parts, memoryLimits }: Testbed): Promise<void> {
  const { pid } = parts().nginx
  const before = nginxWorkers(pid)
  memoryLimits?.place('nginx', pid)
  signalProcess(pid, 'SIGHUP')
  await until('NGINX has new workers', () => nginxWorkers(pid).some(worker => !before.includes(worker)))
}

/** A quarter of them together, the others by so many clients, each of which waits for an answer before it asks again. */
const missingPageClients = 10

/** Requests `count` pages that do not exist. Answers other than 404, and a refusal that says when to try again, are complaints. */
async function requestMissingPages({ url, complaints }: Testbed, count: number): Promise<void> {
  const agent = new Agent({ keepAlive: true })
  const statuses = new Map<string, number>()
  let begun = 0
  const askOnce = async () => {
    const n = ++begun
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
  await Promise.all(Array.from({ length: count / 4 }, askOnce))
  const askInTurn = async () => {
    while (begun < count) await askOnce()
  }
  await Promise.all(Array.from({ length: missingPageClients }, askInTurn))
  agent.destroy()
  for (const [status, times] of statuses)
    complaints.push(`${times} requests for pages that do not exist were answered with status ${status}`)
}
