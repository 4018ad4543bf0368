import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { IncomingMessage } from 'node:http'
import { Socket } from 'node:net'
import { join } from 'node:path'
import { json } from 'node:stream/consumers'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { Histogram, Registry } from 'prom-client'
import { z } from 'zod'
import { startStubServer } from '../../../tools/lib/testing.ts'
import { sampleServerRow } from '../../testing/samples.ts'
import { AnswerError } from '../errors.ts'
import { FastHistogram } from './histogram.ts'
import { createMetrics } from './metrics.ts'
import { PageViewStats } from './page-view-stats.ts'
import { startTracing } from './tracing.ts'

const identity = () => ({ id: 1, name: 'web-1', address: '10.0.0.1:3000', srv_id: 'a'.repeat(32) })

function sampleMetrics(server = identity()) {
  const sources = {
    queued: () => 3,
    streams: () => 2,
    liveTicks: () => 7,
    liveSentBytes: () => 1234,
    draining: () => true,
    databaseUp: () => false,
    board: async () => ({
      counter: 90,
      servers: [sampleServerRow({ state: 'up' }), sampleServerRow({ state: 'lost' })],
    }),
  }
  return createMetrics(server, sources, 30)
}

/** Values by name and labels, as Prometheus writes them. */
async function valuesOf({ text }: { text(): Promise<string> }): Promise<Map<string, number>> {
  const lines = (await text()).split('\n').filter(line => line !== '' && !line.startsWith('#'))
  return new Map(lines.map(line => [line.slice(0, line.lastIndexOf(' ')), Number(line.split(' ').at(-1))]))
}

test('a histogram of plain numbers reads like one of prom-client', async () => {
  const [ours, theirs] = [new Registry(), new Registry()]
  const config = { name: 'h', help: 'values', buckets: [0.1, 0.5, 1] }
  const children = { label: 'phase', values: ['queue', 'commit'] }
  const fast = new FastHistogram({ ...config, registers: [ours], children })
  const usual = new Histogram({ ...config, registers: [theirs], labelNames: ['phase'] })
  for (const phase of children.values) usual.zero({ phase })
  for (const value of [0, 0.1, 0.10001, 0.3, 1, 1.5, 30]) {
    fast.child('queue').record(value)
    usual.observe({ phase: 'queue' }, value)
  }
  fast.child('commit').record(0.5, 3)
  for (let n = 0; n < 3; n++) usual.observe({ phase: 'commit' }, 0.5)
  for (const registry of [ours, theirs]) registry.setDefaultLabels({ server: 'web-1' })
  const inOrder = (line: string) => line.replace(/{(.*)}/, (_, labels) => labels.split(',').sort().join())
  const lines = async (registry: Registry) => (await registry.metrics()).split('\n').map(inOrder).sort()
  assert.deepEqual(await lines(ours), await lines(theirs))
})

test('what happens to page views is counted: arrivals, their time and its three parts', async () => {
  const metrics = sampleMetrics()
  metrics.recordHit('new', 1000, { leftAt: 1010, countedAt: 1050, batch: null }, 1060)
  metrics.recordHit('moved', 2000, { leftAt: 2010, countedAt: 2050, batch: null }, 2300)
  const values = await valuesOf(metrics)
  const at = (name: string) => values.get(name)
  const counts = ['new', 'returning', 'moved'].map(arrival =>
    at(`balance_board_hits_total{arrival="${arrival}",server="web-1"}`),
  )
  assert.deepEqual(counts, [1, 0, 1])
  assert.equal(at('balance_board_hit_duration_seconds_bucket{le="0.25",server="web-1"}'), 1)
  assert.equal(at('balance_board_hit_duration_seconds_sum{server="web-1"}'), 0.36)
  const sums = ['queue', 'commit', 'fill_in'].map(phase =>
    at(`balance_board_hit_phase_duration_seconds_sum{phase="${phase}",server="web-1"}`)?.toFixed(2),
  )
  assert.deepEqual(sums, ['0.02', '0.08', '0.26'])
})

test('what other parts know is read with the metrics', async () => {
  const values = await valuesOf(sampleMetrics())
  const expected = {
    'balance_board_queued_hits{server="web-1"}': 3,
    'balance_board_live_streams{server="web-1"}': 2,
    'balance_board_live_ticks_total{server="web-1"}': 7,
    'balance_board_live_sent_bytes_total{server="web-1"}': 1234,
    'balance_board_draining{server="web-1"}': 1,
    'balance_board_database_up{server="web-1"}': 0,
    'balance_board_newest_number{server="web-1"}': 90,
    'balance_board_servers{state="up",server="web-1"}': 1,
    'balance_board_servers{state="lost",server="web-1"}': 1,
    'balance_board_servers{state="draining",server="web-1"}': 0,
    'balance_board_log_retention_seconds{server="web-1"}': 30 * 86_400,
  }
  for (const [name, value] of Object.entries(expected)) assert.equal(values.get(name), value, name)
})

test('everything that can fail has a value before it fails, so that a rate sees the first failure', async () => {
  const values = await valuesOf(sampleMetrics())
  const zeros = [...values].filter(([, value]) => value === 0).map(([name]) => name)
  for (const labels of ['code="overloaded"', 'code="counter_unavailable"', 'code="outcome_unknown"'])
    assert.ok(zeros.includes(`balance_board_failed_page_views_total{${labels},server="web-1"}`), labels)
  for (const kind of ['contention', 'refused', 'away'])
    assert.ok(zeros.includes(`balance_board_failed_commits_total{kind="${kind}",server="web-1"}`), kind)
  assert.ok(zeros.includes('balance_board_commit_retries_total{server="web-1"}'))
})

test('an audit sets what counter, log and servers differ by', async () => {
  const metrics = sampleMetrics()
  metrics.noteAudit({ counter: 10, rows: 5, purged: 3, sum_hits: 9, consistent: false }, 1_700_000_000_000)
  const values = await valuesOf(metrics)
  const difference = (between: string) =>
    values.get(`balance_board_audit_difference{between="${between}",server="web-1"}`)
  assert.deepEqual(['counter_and_log', 'counter_and_servers'].map(difference), [2, 1])
  assert.equal(values.get('balance_board_audit_consistent{server="web-1"}'), 0)
  assert.equal(
    values.get('balance_board_audit_last_success_timestamp_seconds{server="web-1"}'),
    1_700_000_000,
  )
})

test('a replica that gets another name has it on every metric', async () => {
  const server = identity()
  const metrics = sampleMetrics(server)
  await metrics.text()
  server.name = 'web-4'
  const own = [...(await valuesOf(metrics)).keys()]
  assert.deepEqual(
    own.filter(name => !name.includes('server="web-4"')),
    [],
  )
})

test('docs/operations.md lists every metric of the project, and no other', async () => {
  const text = await sampleMetrics().text()
  const names = [...text.matchAll(/^# TYPE (balance_board_\w+)/gm)].map(([, name]) => name ?? '')
  const docs = readFileSync(join(import.meta.dirname, '../../../docs/operations.md'), 'utf8')
  const section = /^## Metrics$([\s\S]*?)^## /m.exec(docs)?.[1] ?? ''
  const listed = [...section.matchAll(/^\| `(balance_board_(?!nginx_)\w+)/gm)].map(([, name]) => name ?? '')
  assert.deepEqual(listed.toSorted(), names.toSorted())
})

test('the rate is of the last few windows', () => {
  let now = 0
  const figures = new PageViewStats(() => now)
  const beat = (hits: number) => {
    for (let hit = 0; hit < hits; hit++) figures.recordHit(1)
    now += 2000
    return figures.roll().rate
  }
  assert.equal(beat(20), 10)
  assert.equal(beat(0), 5)
  assert.equal(beat(40), 10)
  assert.equal(beat(0), 40 / 6)
  assert.equal(beat(0), 40 / 6)
  assert.equal(beat(0), 0)
})

test('percentiles are in ms, and null when there was nothing', () => {
  const figures = new PageViewStats()
  assert.deepEqual([figures.roll().p50Ms, figures.roll().p99Ms], [null, null])
  for (let n = 0; n < 98; n++) figures.recordHit(2)
  figures.recordHit(50)
  figures.recordHit(50)
  const { p50Ms, p99Ms } = figures.roll()
  assert.ok(p50Ms !== null && Math.abs(p50Ms - 2) < 0.1, String(p50Ms))
  assert.ok(p99Ms !== null && Math.abs(p99Ms - 50) < 1, String(p99Ms))
})

test('errors are counted by code, and add up', () => {
  const figures = new PageViewStats()
  assert.deepEqual(figures.errors, { errors: 0, errorCodes: {} })
  for (const code of ['overloaded', 'outcome_unknown', 'overloaded']) figures.recordError(code)
  assert.deepEqual(figures.errors, { errors: 3, errorCodes: { overloaded: 2, outcome_unknown: 1 } })
})

const value = z.union([
  z.object({ stringValue: z.string() }).transform(({ stringValue }) => stringValue),
  z.object({ intValue: z.number() }).transform(({ intValue }) => intValue),
])
const attributes = z
  .array(z.object({ key: z.string(), value }))
  .transform(list => Object.fromEntries(list.map(({ key, value }) => [key, value])))
const span = z.object({
  traceId: z.string(),
  spanId: z.string(),
  parentSpanId: z.string().optional(),
  name: z.string(),
  startTimeUnixNano: z.coerce.bigint(),
  endTimeUnixNano: z.coerce.bigint(),
  attributes,
  status: z.object({ code: z.number().default(0), message: z.string().optional() }),
})
/** Source: https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding */
const packet = z.object({
  resourceSpans: z.array(
    z.object({
      resource: z.object({ attributes }),
      scopeSpans: z.array(z.object({ spans: z.array(span) })),
    }),
  ),
})

/** A collector that keeps what it gets. */
async function startCollector() {
  const packets: z.output<typeof packet>[] = []
  const paths = new Set<string>()
  const server = await startStubServer(async (request, response) => {
    paths.add(String(request.url))
    packets.push(packet.parse(await json(request)))
    response.setHeader('Content-Type', 'application/json')
    response.end('{}')
  })
  const resources = () => packets.flatMap(({ resourceSpans }) => resourceSpans)
  return {
    endpoint: server.url,
    paths,
    resource: () => resources()[0]?.resource.attributes,
    spans: () => resources().flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans)),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  }
}

const traced = { id: 1, name: 'web-1', address: '10.0.0.1:3000', srv_id: 'b'.repeat(32) }
const traceId = `${'a'.repeat(16)}${'c'.repeat(16)}`
const nginxSpan = 'c'.repeat(16)

function pageRequest(traceparent = `00-${traceId}-${nginxSpan}-01`): IncomingMessage {
  const request = new IncomingMessage(new Socket())
  Object.assign(request.headers, { traceparent, 'x-real-ip': '203.0.113.9', cookie: 'srv_id=1' })
  return request
}

const times = {
  leftAt: 110,
  countedAt: 150,
  batch: {
    hits: 7,
    attempts: [
      { endedAt: 120, ms: 9, failure: 'ECONNRESET' },
      { endedAt: 149, ms: 20, failure: null },
    ],
  },
}

test('a page view is a span of NGINX’s trace, with its parts as children, and no address of the visitor', async () => {
  await using collector = await startCollector()
  const tracing = startTracing({ endpoint: collector.endpoint, share: 1 }, traced)
  tracing.pageView(pageRequest(), { hit: 42, arrival: 'moved' }, 100, times, 160)
  await tracing.stop()
  assert.deepEqual([...collector.paths], ['/v1/traces'])
  assert.equal(collector.resource()?.['service.name'], 'balance-board')
  assert.equal(collector.resource()?.['balance_board.server'], 'web-1')
  const spans = collector.spans()
  const named = (name: string) => spans.filter(span => span.name === name)
  const [view, batch] = [named('GET /')[0] ?? assert.fail(), named('batch')[0] ?? assert.fail()]
  const parents = spans.map(({ name, parentSpanId }) => [name, parentSpanId])
  assert.deepEqual(parents.toSorted(), [
    ['GET /', nginxSpan],
    ['batch', view.spanId],
    ['commit', batch.spanId],
    ['commit', batch.spanId],
    ['fill in', view.spanId],
    ['queue', view.spanId],
  ])
  assert.deepEqual(new Set(spans.map(span => span.traceId)), new Set([traceId]))
  const ms = spans.map(span => Number(span.endTimeUnixNano - span.startTimeUnixNano) / 1e6)
  const durations = spans.map(({ name }, index) => [name, Math.round(ms[index] ?? 0)])
  assert.deepEqual(durations.toSorted(), [
    ['GET /', 60],
    ['batch', 40],
    ['commit', 20],
    ['commit', 9],
    ['fill in', 10],
    ['queue', 10],
  ])
  assert.equal(view.attributes['balance_board.hit'], 42)
  assert.equal(view.attributes['balance_board.arrival'], 'moved')
  assert.equal(batch.attributes['balance_board.batch_hits'], 7)
  const failures = named('commit').map(({ status }) => status.message)
  assert.deepEqual(failures.toSorted(), ['ECONNRESET', undefined])
  assert.ok(!JSON.stringify(spans, (_, value) => String(value)).includes('203.0.113.9'))
})

test('a failed page view is one span with the code of its error', async () => {
  await using collector = await startCollector()
  const tracing = startTracing({ endpoint: `${collector.endpoint}/`, share: 1 }, traced)
  const error = new AnswerError(503, 'overloaded', 'too many')
  tracing.failedPageView(pageRequest(), error, 100, 130)
  await tracing.stop()
  const [{ traceId: ofTrace, attributes, status } = assert.fail(), ...others] = collector.spans()
  assert.equal(others.length, 0)
  assert.equal(ofTrace, traceId)
  assert.deepEqual([attributes['error.type'], attributes['http.response.status_code']], ['overloaded', 503])
  assert.equal(status.message, 'overloaded')
})

test('a request that did not come through NGINX begins a trace; a share of 0 sends nothing', async () => {
  await using collector = await startCollector()
  for (const [share, header] of [[1, 'nonsense'] as const, [0, undefined] as const]) {
    const tracing = startTracing({ endpoint: collector.endpoint, share }, traced)
    tracing.pageView(pageRequest(header), { hit: 1, arrival: 'new' }, 100, times, 160)
    await tracing.stop()
  }
  const views = collector.spans().filter(({ name }) => name === 'GET /')
  assert.equal(views.length, 1)
  assert.equal(views[0]?.parentSpanId, undefined)
})

test('OpenTelemetry is not loaded unless a collector is set', async () => {
  const script = `
    import { registerHooks } from 'node:module'
    registerHooks({ resolve(name, context, next) { console.log(name); return next(name, context) } })
    await import(${JSON.stringify(import.meta.resolve('../replica/replica.ts'))})
    process.exit()`
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script])
  const names = stdout.split('\n')
  assert.ok(names.includes('prom-client'))
  // prom-client imports the small @opentelemetry/api by itself.
  const ofTraces = names.filter(name => /@opentelemetry\/(?!api$)|tracing\.ts$/.test(name))
  assert.deepEqual(ofTraces, [])
})
