import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { X509Certificate } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { createServer } from 'node:tls'
import { promisify } from 'node:util'
import { Registry } from 'prom-client'
import { testCertificate, testKey } from '../../nginx/testing/client-and-replica.ts'
import { freePorts } from '../../tools/lib/ports.ts'
import { eventually, startStubServer, temporaryFolder } from '../../tools/lib/testing.ts'
import { droppedMessages, LogMetrics, parseMessage, readTries } from './log-metrics.ts'
import { readCertificateEnd, watchCertificate, watchStatus } from './probes.ts'

const header = '<190>Nov 25 22:32:05 nginx: '

const logged = {
  at: 1_795_000_000.5,
  weight: 1,
  kind: 'page_view',
  status: '200',
  answer_time: '0.012',
  upstream_addr: '10.0.0.2:3000',
  upstream_status: '200',
  upstream_response_time: '0.011',
}

const message = (fields: object = {}) => Buffer.from(header + JSON.stringify({ ...logged, ...fields }))

/** Metrics with a clock that the test sets, in ms. */
function metricsAt(time: { ms: number }, lost = 0) {
  const metrics = new LogMetrics(
    () => time.ms,
    () => lost,
  )
  const sampleOf = async (series: string) => {
    const line = (await metrics.text()).split('\n').find(each => each.startsWith(`${series} `))
    return line === undefined ? null : Number(line.slice(series.length + 1))
  }
  return { metrics, sampleOf }
}

test('a message says what NGINX answered, and each try', () => {
  const request = parseMessage(
    message({
      upstream_addr: '10.0.0.2:3000, 10.0.0.3:3000 : [fe80::1]:3000',
      upstream_status: '502, 403 : 200',
      upstream_response_time: '0.500, 0.000 : 0.020',
    }),
  )
  assert.deepEqual(request, {
    kind: 'page_view',
    weight: 1,
    status: '200',
    seconds: 0.012,
    at: 1_795_000_000.5,
    tries: [
      { address: '10.0.0.2:3000', status: '502', seconds: 0.5 },
      { address: '10.0.0.3:3000', status: '403', seconds: 0 },
      { address: '[fe80::1]:3000', status: '200', seconds: 0.02 },
    ],
  })
})

test('the tries are those at replicas: an upstream without any, and an answer of NGINX itself, are none', () => {
  assert.deepEqual(readTries('', '', ''), [])
  assert.deepEqual(readTries('-', '-', '-'), [])
  assert.deepEqual(readTries('page', '502', '0.000'), [])
  const tries = readTries('10.0.0.2:3000, page : page_last_try', '504, 502 : 502', '2.000, 0.000 : 0.000')
  assert.deepEqual(tries, [{ address: '10.0.0.2:3000', status: '504', seconds: 2 }])
  const left = readTries('10.0.0.2:3000', '-', '-')
  assert.deepEqual(left, [{ address: '10.0.0.2:3000', status: 'none', seconds: null }])
})

const garbage: [string, Buffer][] = [
  ['nothing', Buffer.alloc(0)],
  ['no object', Buffer.from(`${header}hello`)],
  ['a message that was cut off', message().subarray(0, -1)],
  ['bytes that are no text', Buffer.from([0xff, 0x7b, 0xfe, 0x00, 0x7d])],
  ['another JSON value', Buffer.from(`${header}{"a":[`)],
  ['an empty object', Buffer.from('{}')],
  ['an object far behind', Buffer.concat([Buffer.alloc(200, 'x'), message()])],
  ['an unknown kind', message({ kind: 'visitor 203.0.113.7' })],
  ['a kind that objects inherit', message({ kind: '__proto__' })],
  ['no weight', message({ weight: undefined })],
  ['a weight of none', message({ weight: 0 })],
  ['a weight of a part', message({ weight: 1.5 })],
  ['a weight without an end', message({ weight: 1e9 })],
  ['a status that is a number', message({ status: 200 })],
  ['a status that does not exist', message({ status: '999' })],
  ['a status with more', message({ status: '200"} 1\nevil' })],
  ['an answer time that is a number', message({ answer_time: 0.012 })],
  ['an answer time below zero', message({ answer_time: '-0.012' })],
  ['an answer time without an end', message({ answer_time: '1e999' })],
  ['answer times with more', message({ answer_time: '0.012, evil' })],
  ['more answer times than NGINX writes', message({ answer_time: Array(201).fill('0.001').join(', ') })],
  ['no time', message({ at: null })],
  ['a list that is none', message({ upstream_addr: ['10.0.0.2:3000'] })],
  ['lists of different lengths', message({ upstream_status: '502, 200' })],
  ['a try with an unknown status', message({ upstream_status: 'evil' })],
  [
    'more tries than NGINX makes',
    message({
      upstream_addr: Array(60).fill('10.0.0.2:3000').join(', '),
      upstream_status: Array(60).fill('200').join(', '),
      upstream_response_time: Array(60).fill('0.1').join(', '),
    }),
  ],
]

for (const [name, bytes] of garbage)
  test(`unreadable, and counted as that alone: ${name}`, async () => {
    const { metrics, sampleOf } = metricsAt({ ms: 1_795_000_001_000 })
    const before = await metrics.text()
    metrics.receive(bytes)
    const after = await metrics.text()
    assert.equal(await sampleOf('balance_board_nginx_log_dropped_total'), 1)
    assert.equal(after.replace('log_dropped_total 1', 'log_dropped_total 0'), before)
  })

test('the time of an answer is the sum over NGINX’s tries; an answer of NGINX itself has none', () => {
  for (const [answer_time, seconds] of [
    ['0.250', 0.25],
    ['0.000, 0.125', 0.125],
    ['0.500, - : 0.250', 0.75],
    ['', null],
    ['-', null],
  ])
    assert.equal(parseMessage(message({ answer_time }))?.seconds, seconds, String(answer_time))
})

test('an upstream’s address that is none becomes no label', () => {
  assert.deepEqual(readTries('evil"} 1\n:80', '200', '0.1'), [])
  assert.deepEqual(readTries('10.0.0.2:3000x', '200', '0.1'), [])
  assert.deepEqual(readTries('999.0.0.2:3000', '200', '0.1'), [])
})

test('a retried page view is one page view and two tries', async () => {
  const { metrics, sampleOf } = metricsAt({ ms: 1_795_000_001_000 })
  metrics.receive(message())
  metrics.receive(
    message({
      upstream_addr: '10.0.0.2:3000, 10.0.0.3:3000',
      upstream_status: '502, 200',
      upstream_response_time: '0.001, 0.300',
    }),
  )
  const name = 'balance_board_nginx'
  assert.equal(await sampleOf(`${name}_page_views_total{status="200"}`), 2)
  assert.equal(await sampleOf(`${name}_requests_total{kind="page_view",status_class="2xx"}`), 2)
  assert.equal(await sampleOf(`${name}_page_view_duration_seconds_count`), 2)
  assert.equal(await sampleOf(`${name}_retried_page_views_total`), 1)
  assert.equal(await sampleOf(`${name}_upstream_tries_total{address="10.0.0.2:3000",status="200"}`), 1)
  assert.equal(await sampleOf(`${name}_upstream_tries_total{address="10.0.0.2:3000",status="502"}`), 1)
  assert.equal(await sampleOf(`${name}_upstream_tries_total{address="10.0.0.3:3000",status="200"}`), 1)
  const bucket = `${name}_upstream_duration_seconds_bucket{address="10.0.0.3:3000",le="0.25"}`
  assert.equal(await sampleOf(bucket), 0)
  assert.equal(await sampleOf(`${name}_upstream_duration_seconds_count{address="10.0.0.3:3000"}`), 1)
})

test('fast answers without the page make page views no faster: only status 200 has a duration', async () => {
  const { metrics, sampleOf } = metricsAt({ ms: 1_795_000_001_000 })
  metrics.receive(message({ answer_time: '0.400' }))
  const others = ['308', '400', '429', '499', '500', '502', '503', '504']
  for (const status of others) metrics.receive(message({ status, answer_time: '0.001', weight: 20 }))
  const name = 'balance_board_nginx'
  for (const status of others)
    assert.equal(await sampleOf(`${name}_page_views_total{status="${status}"}`), 20)
  assert.equal(await sampleOf(`${name}_page_view_duration_seconds_count`), 1)
  assert.equal(await sampleOf(`${name}_page_view_duration_seconds_bucket{le="0.25"}`), 0)
})

test('what is no page view counts as a request and its tries, without a duration: a stream lasts for hours', async () => {
  const { metrics, sampleOf } = metricsAt({ ms: 1_795_000_001_000 })
  metrics.receive(message({ kind: 'api', answer_time: '7200.000', upstream_response_time: '7200.000' }))
  metrics.receive(message({ kind: 'other', status: '000', upstream_addr: '', upstream_status: '' }))
  assert.equal(await sampleOf('balance_board_nginx_requests_total{kind="api",status_class="2xx"}'), 1)
  assert.equal(await sampleOf('balance_board_nginx_requests_total{kind="other",status_class="0xx"}'), 1)
  assert.equal(await sampleOf('balance_board_nginx_page_views_total{status="200"}'), 0)
  assert.equal(await sampleOf('balance_board_nginx_page_view_duration_seconds_count'), 0)
  const tries = 'balance_board_nginx_upstream_tries_total{address="10.0.0.2:3000",status="200"}'
  assert.equal(await sampleOf(tries), 1)
  const name = 'balance_board_nginx_upstream_duration_seconds_count{address="10.0.0.2:3000"}'
  assert.equal(await sampleOf(name), null)
})

test('a message that NGINX sent for many page views counts as so many', async () => {
  const { metrics, sampleOf } = metricsAt({ ms: 1_795_000_001_000 })
  metrics.receive(message())
  metrics.receive(message({ weight: 20 }))
  const name = 'balance_board_nginx'
  for (const series of [
    'page_views_total{status="200"}',
    'requests_total{kind="page_view",status_class="2xx"}',
    'page_view_duration_seconds_count',
    'upstream_tries_total{address="10.0.0.2:3000",status="200"}',
    'upstream_duration_seconds_count{address="10.0.0.2:3000"}',
  ])
    assert.equal(await sampleOf(`${name}_${series}`), 21, series)
  // so that lost messages can be compared with those that arrived
  assert.equal(await sampleOf(`${name}_log_messages_total`), 2)
})

test('the series that alerts divide by exist before the first request', async () => {
  const { sampleOf } = metricsAt({ ms: 0 })
  for (const status of ['200', '429', '503'])
    assert.equal(await sampleOf(`balance_board_nginx_page_views_total{status="${status}"}`), 0)
  for (const name of ['messages', 'dropped'])
    assert.equal(await sampleOf(`balance_board_nginx_log_${name}_total`), 0)
})

test('a replica is forgotten after 10 minutes without a try, and no other', async () => {
  const time = { ms: 0 }
  const { metrics, sampleOf } = metricsAt(time)
  const series = (address: string) =>
    `balance_board_nginx_upstream_tries_total{address="${address}",status="200"}`
  metrics.receive(message())
  time.ms = 5 * 60_000
  metrics.receive(message({ upstream_addr: '10.0.0.3:3000' }))
  time.ms = 10 * 60_000
  assert.equal(await sampleOf(series('10.0.0.2:3000')), 1)
  time.ms += 1
  assert.equal(await sampleOf(series('10.0.0.2:3000')), null)
  assert.ok(!(await metrics.text()).includes('10.0.0.2'))
  assert.equal(await sampleOf(series('10.0.0.3:3000')), 1)
  metrics.receive(message())
  assert.equal(await sampleOf(series('10.0.0.2:3000')), 1)
})

test('however many addresses are sent, their number in the metrics is bounded', async () => {
  const { metrics } = metricsAt({ ms: 0 })
  for (let n = 0; n < 1000; n++) metrics.receive(message({ upstream_addr: `10.0.${n >> 8}.${n & 255}:3000` }))
  const addresses = new Set((await metrics.text()).match(/address="[^"]+"/g))
  assert.equal(addresses.size, 201)
  assert.ok(addresses.has('address="other"'))
})

test('the lag is the age of the newest message; messages that the system discarded count as dropped', async () => {
  const { metrics, sampleOf } = metricsAt({ ms: 1_795_000_002_000 }, 7)
  metrics.receive(message())
  assert.equal(await sampleOf('balance_board_nginx_log_lag_seconds'), 1.5)
  metrics.receive(message({ at: 1_795_000_003 }))
  assert.equal(await sampleOf('balance_board_nginx_log_lag_seconds'), 0)
  metrics.receive(Buffer.from('x'))
  assert.equal(await sampleOf('balance_board_nginx_log_dropped_total'), 8)
  assert.equal(await sampleOf('balance_board_nginx_log_dropped_total'), 8)
})

test('Linux’s table of sockets says what was discarded at a port', () => {
  const table = `   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops
 1033: 0100007F:23B9 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 3141 2 00000000ce2fdfc5 12
 1034: 0100007F:23BA 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 3142 2 00000000ce2fdfc6 99
`
  assert.equal(droppedMessages(table, 9145), 12)
  assert.equal(droppedMessages(table, 80), 0)
  assert.equal(droppedMessages('', 9145), 0)
})

// Linux gives no more than this, whatever a process asks for; other systems have no such file.
const mostBuffer = existsSync('/proc/sys/net/core/rmem_max')
  ? Number(readFileSync('/proc/sys/net/core/rmem_max', 'utf8'))
  : 0

test('a burst that comes while the exporter has no processor is kept, if the system allows the buffer', {
  skip: mostBuffer < 4 * 1024 * 1024 && 'net.core.rmem_max is smaller than the buffer',
}, async () => {
  await using folder = await temporaryFolder()
  const PORT = String((await freePorts(folder.path).next()).value)
  const program = join(import.meta.dirname, 'main.ts')
  const child = spawn(process.execPath, [program], { env: { ...process.env, PORT }, stdio: 'ignore' })
  const socket = createSocket('udp4')
  try {
    const read = async () => (await fetch(`http://127.0.0.1:${PORT}/metrics`)).text()
    await eventually(() => read().catch(() => null))
    child.kill('SIGSTOP')
    const send = promisify<Buffer, number, string>(socket.send.bind(socket))
    for (let sent = 0; sent < 2000; sent++) await send(message(), Number(PORT), '127.0.0.1')
    child.kill('SIGCONT')
    const countOf = (text: string, name: string) =>
      Number(new RegExp(`_${name}_total (\\d+)\n`).exec(text)?.[1])
    const [received, dropped] = await eventually(async () => {
      const text = await read()
      const [received, dropped] = [countOf(text, 'log_messages'), countOf(text, 'log_dropped')]
      return received + dropped === 2000 && [received, dropped]
    })
    assert.deepEqual([received, dropped], [2000, 0])
  } finally {
    socket.close()
    child.kill('SIGKILL')
    await once(child, 'exit')
  }
})

test('the end of the served certificate is read, also of one that is not trusted', async () => {
  const cert = readFileSync(testCertificate)
  await using stub = await startStubServer(createServer({ cert, key: readFileSync(testKey) }))
  const address = `127.0.0.1:${stub.port}`
  const end = Date.parse(new X509Certificate(cert).validTo) / 1000
  assert.equal(await readCertificateEnd(address), end)

  const registry = new Registry()
  watchCertificate(registry, address)
  const line = `balance_board_nginx_certificate_expiry_timestamp_seconds{address="${address}"} `
  const text = await eventually(async () => {
    const text = await registry.metrics()
    return text.includes(line) && text
  })
  assert.equal(Number(text.split(line)[1]), end)
})

test('an NGINX that answers is up, also without a status page; one that is silent, refuses connections or fails is not', async () => {
  let status = 200
  const stub = await startStubServer((_request, response) => {
    if (status) response.writeHead(status).end('Active connections: 1')
  })
  const registry = new Registry()
  watchStatus(registry, `http://127.0.0.1:${stub.port}/status`)
  const isUp = async () => (await registry.metrics()).includes('balance_board_nginx_up 1\n')
  assert.equal(await isUp(), true)
  status = 404
  assert.equal(await isUp(), true)
  status = 500
  assert.equal(await isUp(), false)
  status = 0
  assert.equal(await isUp(), false)
  status = 200
  assert.equal(await isUp(), true)
  await stub[Symbol.asyncDispose]()
  assert.equal(await isUp(), false)
})

test('plain HTTP, and a port at which nothing listens, have no certificate', async () => {
  const stub = await startStubServer((_request, response) => response.end())
  const address = `127.0.0.1:${stub.port}`
  assert.equal(await readCertificateEnd(address), null)
  await stub[Symbol.asyncDispose]()
  assert.equal(await readCertificateEnd(address), null)
})
