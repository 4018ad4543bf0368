import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { IncomingMessage } from 'node:http'
import { Socket } from 'node:net'
import { json } from 'node:stream/consumers'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { z } from 'zod'
import { startStubServer } from '../../../tools/lib/testing.ts'
import { AnswerError } from '../errors.ts'
import { startTracing } from './tracing.ts'

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

const identity = { id: 1, name: 'web-1', address: '10.0.0.1:3000', srv_id: 'b'.repeat(32) }
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
  const tracing = startTracing({ endpoint: collector.endpoint, share: 1 }, identity)
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
  const tracing = startTracing({ endpoint: `${collector.endpoint}/`, share: 1 }, identity)
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
    const tracing = startTracing({ endpoint: collector.endpoint, share }, identity)
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
