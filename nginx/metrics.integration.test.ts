import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { type LoggedRequest, parseMessage } from '../monitoring/nginx-log-exporter/log-metrics.ts'
import { freePorts } from '../tools/lib/ports.ts'
import { eventually, temporaryFolder } from '../tools/lib/testing.ts'
import { followExporter } from './metrics-log.ts'
import { asCookie, breakOff, cannotCount, drain, sendRequest } from './testing/client-and-replica.ts'
import { type Board, startBoard, stickyModes } from './testing/run-nginx.ts'

const timeout = 240_000

/** ms that a slow client takes to send its request */
const slowMs = 2000

const program = join(import.meta.dirname, '../monitoring/nginx-log-exporter/main.ts')

/** An ip:port of loopback that nothing uses now. */
async function freeAddress(): Promise<string> {
  await using folder = await temporaryFolder()
  return `127.0.0.1:${(await freePorts(folder.path).next()).value}`
}

/** The exporter of NGINX's log as a process, which ends when it goes out of scope. */
async function startExporter(address: string) {
  const [HOST, PORT] = address.split(':')
  const child = spawn(process.execPath, [program], { env: { ...process.env, HOST, PORT }, stdio: 'ignore' })
  const text = async () => (await fetch(`http://${address}/metrics`)).text()
  await eventually(async () => child.exitCode !== null || (await text().catch(() => null)))
  assert.equal(child.exitCode, null)
  return {
    /** the value of a series; null if there is none */
    async value(series: string): Promise<number | null> {
      const line = (await text()).split('\n').find(each => each.startsWith(`balance_board_nginx_${series} `))
      return line === undefined ? null : Number(line.split(' ').at(-1))
    },
    async [Symbol.asyncDispose]() {
      if (child.exitCode !== null) return
      child.kill('SIGTERM')
      await once(child, 'exit')
    },
  }
}

/** Receives NGINX's messages in place of the exporter. */
async function receiveMessages() {
  const socket = createSocket('udp4')
  const received: LoggedRequest[] = []
  socket.on('message', message => {
    const request = parseMessage(message)
    assert.ok(request, String(message))
    received.push(request)
  })
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  return {
    address: `127.0.0.1:${socket.address().port}`,
    received,
    async [Symbol.asyncDispose]() {
      socket.close()
    },
  }
}

type Exporter = Awaited<ReturnType<typeof startExporter>>

/** Waits until each series has its value: messages arrive a moment after the answers. */
async function expectValues(exporter: Exporter, expected: Record<string, number | null>): Promise<void> {
  const values = async () =>
    Object.fromEntries(
      await Promise.all(Object.keys(expected).map(async series => [series, await exporter.value(series)])),
    )
  const fits = async () => JSON.stringify(await values()) === JSON.stringify(expected)
  await eventually(fits, { ms: 30_000, everyMs: 100 }).catch(() => {})
  assert.deepEqual(await values(), expected)
}

const page = (status: string) => `page_views_total{status="${status}"}`
const requests = (kind: string, statusClass: string) =>
  `requests_total{kind="${kind}",status_class="${statusClass}"}`
const tries = (address: string, status: string) =>
  `upstream_tries_total{address="${address}",status="${status}"}`

function replicasOf(board: Board) {
  const [first, second, third] = board.replicas
  assert.ok(first && second && third)
  return [first, second, third] as const
}

for (const mode of stickyModes) {
  test(`${mode}: a retried page view is one page view and a try at each replica`, { timeout }, async () => {
    const address = await freeAddress()
    await using exporter = await startExporter(address)
    await using board = await startBoard(mode, { exporter: address })
    const [failing, draining] = replicasOf(board)
    failing.answer = breakOff
    draining.answer = drain(draining)
    const headers = asCookie(failing.srvId)
    const answer = await sendRequest(board.port, '/', { headers })
    assert.equal(answer.status, 200)
    const served = board.replicas.find(({ srvId }) => srvId === answer.headers['x-srv-id'])
    assert.ok(served && served !== failing)
    await expectValues(exporter, {
      [page('200')]: 1,
      [requests('page_view', '2xx')]: 1,
      page_view_duration_seconds_count: 1,
      retried_page_views_total: 1,
      [tries(failing.address, '502')]: 1,
      [tries(served.address, '200')]: 1,
      log_dropped_total: 0,
    })
  })

  test(`${mode}: every page view without a page counts with its status`, { timeout }, async () => {
    const address = await freeAddress()
    await using exporter = await startExporter(address)
    await using board = await startBoard(mode, { exporter: address, limitPrivate: true })
    for (const replica of board.replicas) replica.answer = cannotCount
    assert.equal((await sendRequest(board.port, '/')).status, 503)
    await expectValues(exporter, {
      [page('503')]: 1,
      [requests('page_view', '5xx')]: 1,
      retried_page_views_total: 1,
    })
    for (const replica of board.replicas) await replica.die()
    assert.equal((await sendRequest(board.port, '/')).status, 503)
    await expectValues(exporter, { [page('503')]: 2 })
    const isLimited = async () => {
      const answers = await Promise.all(Array.from({ length: 50 }, () => sendRequest(board.port, '/')))
      return answers.some(({ status }) => status === 429)
    }
    await eventually(isLimited, { ms: 60_000 })
    await eventually(async () => Number(await exporter.value(page('429'))) > 0, { ms: 30_000 })
  })

  test(`${mode}: what is no page view does not count as one; health checks do not count`, {
    timeout,
  }, async () => {
    const address = await freeAddress()
    await using exporter = await startExporter(address)
    await using board = await startBoard(mode, { exporter: address })
    const uncounted: [path: string, options: Parameters<typeof sendRequest>[2]][] = [
      ['/', { method: 'HEAD' }],
      ['/', { headers: { 'Sec-Purpose': 'prefetch;prerender' } }],
      ['/', { headers: { 'X-Purpose': 'Preview' } }],
      ['/', { headers: { RSC: '1' } }],
      ['/?a=b&_rsc=1', {}],
      ['/elsewhere', {}],
    ]
    for (const [path, options] of uncounted) await sendRequest(board.port, path, options)
    for (const path of ['/healthz', '/_nginx/ready']) await sendRequest(board.port, path)
    for (const path of ['/api/snapshot', '/api/log?limit=1', '/_next/static/a.js', '/icon.svg'])
      await sendRequest(board.port, path)
    for (const path of ['/', '/?', '/?utm=prefetch', '/#part'])
      assert.equal((await sendRequest(board.port, path)).status, 200, path)
    await expectValues(exporter, {
      [page('200')]: 4,
      page_view_duration_seconds_count: 4,
      [requests('other', '2xx')]: uncounted.length,
      [requests('api', '2xx')]: 2,
      [requests('asset', '2xx')]: 2,
      log_dropped_total: 0,
    })
  })

  test(`${mode}: of many page views a second some are sent and count for all, but each retry is sent`, {
    timeout,
  }, async () => {
    await using messages = await receiveMessages()
    await using board = await startBoard(mode, { exporter: messages.address, metricsRate: 1 })
    const visit = async (headers = {}) =>
      assert.equal((await sendRequest(board.port, '/', { headers })).status, 200)
    // After a burst of 100, one in a second.
    let visits = 0
    await eventually(async () => {
      for (let more = 0; more < 50; more++) await visit()
      visits += 50
      return messages.received.some(({ weight }) => weight === 20)
    })
    assert.ok(messages.received.filter(({ weight }) => weight === 1).length >= 100)
    assert.ok(messages.received.length < visits)
    const [failing] = replicasOf(board)
    const before = failing.requests.length
    failing.answer = breakOff
    for (let more = 0; more < 3; more++) await visit(asCookie(failing.srvId))
    const tried = failing.requests.length - before
    assert.ok(tried > 0)
    const retried = () =>
      messages.received.filter(
        ({ tries: [first] }) => first?.address === failing.address && first.status !== '200',
      )
    await eventually(() => retried().length === tried, { ms: 30_000 })
    for (const { weight } of retried()) assert.equal(weight, 1)
  })

  test(`${mode}: the time of a page view does not include that of a slow client`, { timeout }, async () => {
    await using messages = await receiveMessages()
    await using board = await startBoard(mode, { exporter: messages.address })
    const client = connect(board.port, '127.0.0.1')
    await once(client, 'connect')
    client.write('GET / HTTP/1.1\r\nHost: x\r\n')
    await pause(slowMs)
    assert.deepEqual(
      board.replicas.flatMap(({ requests }) => requests),
      [],
    )
    const completeAt = performance.now()
    client.resume().write('Connection: close\r\n\r\n')
    await once(client, 'close')
    const took = performance.now() - completeAt
    await eventually(() => messages.received.length > 0)
    for (const { seconds } of messages.received)
      assert.ok(seconds !== null && seconds * 1000 < took + 2, `${seconds} s of ${took} ms`)
  })

  test(`${mode}: no page view fails when nothing listens for the messages`, { timeout }, async () => {
    await using board = await startBoard(mode, { exporter: await freeAddress() })
    for (let visit = 0; visit < 20; visit++)
      assert.equal((await sendRequest(board.port, '/')).status, 200, `visit ${visit}`)
  })

  test(`${mode}: the number of connections is at a separate port, and not at the visitors’`, {
    timeout,
  }, async () => {
    await using board = await startBoard(mode)
    const status = await sendRequest(board.statusPort, '/status')
    assert.match(status.body, /^Active connections: \d+ \n/)
    assert.equal((await sendRequest(board.statusPort, '/')).status, 404)
    assert.equal((await sendRequest(board.port, '/status')).body, 'well') // a replica's
  })
}

/** Starts one of the two watchers of the exporter beside the board's NGINX. */
function follow(watcher: 'launcher' | 'container', { nginx }: Board, exporter: string): AsyncDisposable {
  const { metricsLog: file, configFile } = nginx.files
  if (watcher === 'launcher') {
    const follower = followExporter({ file, exporter, sends: false }, nginx.pid, () => {})
    return { [Symbol.asyncDispose]: follower.stop }
  }
  const script = join(import.meta.dirname, 'docker-entrypoint.d/50-metrics-log.sh')
  const env = {
    ...process.env,
    NGINX_RUN: dirname(configFile),
    NGINX_METRICS_EXPORTER: exporter,
    METRICS_LOG_LOOK_SECONDS: '0.5',
  }
  execFileSync(script, { env, stdio: 'ignore' })
  return { [Symbol.asyncDispose]: async () => {} } // it ends with NGINX
}

for (const mode of stickyModes)
  for (const watcher of ['launcher', 'container'] as const)
    test(`${mode}, ${watcher}: messages are sent only while the exporter answers, and no page view fails meanwhile`, {
      timeout,
    }, async () => {
      const address = await freeAddress()
      await using board = await startBoard(mode)
      await using _follower = follow(watcher, board, address)
      const visit = async () => assert.equal((await sendRequest(board.port, '/')).status, 200)
      const setting = () => readFile(board.nginx.files.metricsLog, 'utf8')
      const areSent = (exporter: Exporter) => async () => {
        await visit()
        return Number(await exporter.value(page('200'))) > 0
      }
      await visit()
      assert.equal((await setting()).trim(), '')
      for (let start = 0; start < 2; start++) {
        await using exporter = await startExporter(address)
        await eventually(areSent(exporter), { everyMs: 200 })
        // The end of the first exporter may be noticed only now; then there is a pause.
        await eventually(async () => (await setting()).includes(`syslog:server=${address}`))
      }
      await eventually(async () => (await setting()).trim() === '')
      await visit()
    })
