// Traces: spans of page views, sent to an OpenTelemetry collector. web/server/replica/replica.ts loads this module only if
// OTEL_EXPORTER_OTLP_ENDPOINT is set. The trace id is NGINX's request id, which both logs have. Spans are made when a page
// view has been answered, from times that it has anyway. They have no visitor's address.

import type { IncomingMessage } from 'node:http'
import { type Context, ROOT_CONTEXT, SpanKind, SpanStatusCode, TraceFlags, trace } from '@opentelemetry/api'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http'
import { resourceFromAttributes } from '@opentelemetry/resources'
import { BatchSpanProcessor, TraceIdRatioBasedSampler, TracerProvider } from '@opentelemetry/sdk-trace'
import manifest from '../../../package.json' with { type: 'json' }
import type { VisitAnswer } from '../../shared/api.ts'
import type { AnswerError } from '../errors.ts'
import type { HitTimes } from '../hits/hit.ts'
import type { Identity } from '../identity.ts'

export type Tracing = ReturnType<typeof startTracing>

/** ms between two packets to the collector */
const sendEveryMs = 2000

/** `endpoint`: the collector's URL without /v1/traces. `share` of the page views, from 0 to 1; the same at every server. */
export function startTracing({ endpoint, share }: { endpoint: string; share: number }, identity: Identity) {
  const exporter = new OTLPTraceExporter({ url: `${endpoint.replace(/\/$/, '')}/v1/traces` })
  const provider = new TracerProvider({
    resource: resourceFromAttributes({
      'service.name': 'balance-board',
      'service.version': manifest.version,
      'service.instance.id': identity.srv_id,
      'balance_board.server': identity.name,
    }),
    sampler: new TraceIdRatioBasedSampler(share),
    spanProcessors: [new BatchSpanProcessor({ exporter, scheduledDelayMillis: sendEveryMs })],
  })
  const tracer = provider.getTracer('balance-board', manifest.version)

  /** Makes a span that has ended. Times are ms on the clock of `performance.now()`. @returns the context for its children */
  function span(name: string, parent: Context, from: number, to: number, options: SpanOptions = {}): Context {
    const { kind = SpanKind.INTERNAL, attributes = {}, failure } = options
    const epoch = Date.now() - performance.now()
    const made = tracer.startSpan(name, { kind, attributes, startTime: epoch + from }, parent)
    if (failure) made.setStatus({ code: SpanStatusCode.ERROR, message: failure })
    made.end(epoch + to)
    return trace.setSpan(parent, made)
  }

  const pageView = (request: IncomingMessage, status: number, from: number, to: number, more: SpanOptions) =>
    span('GET /', parentOf(request), from, to, {
      ...more,
      kind: SpanKind.SERVER,
      attributes: {
        'http.request.method': 'GET',
        'http.route': '/',
        'http.response.status_code': status,
        ...more.attributes,
      },
    })

  return {
    /** A page view was counted and answered. Times are ms on the clock of `performance.now()`. */
    pageView(
      request: IncomingMessage,
      { hit, arrival }: Pick<VisitAnswer, 'hit' | 'arrival'>,
      startedAt: number,
      { leftAt, countedAt, batch }: HitTimes,
      endedAt: number,
    ): void {
      const attributes = { 'balance_board.hit': hit, 'balance_board.arrival': arrival }
      const context = pageView(request, 200, startedAt, endedAt, { attributes })
      span('queue', context, startedAt, leftAt)
      const inBatch = span('batch', context, leftAt, countedAt, {
        attributes: { 'balance_board.batch_hits': batch?.hits ?? 0 },
      })
      for (const { endedAt: at, ms, failure } of batch?.attempts ?? [])
        span('commit', inBatch, at - ms, at, { kind: SpanKind.CLIENT, ...(failure && { failure }) })
      span('fill in', context, countedAt, endedAt)
    },

    /** A page view was answered with an error. */
    failedPageView(request: IncomingMessage, error: AnswerError, startedAt: number, endedAt: number): void {
      const attributes = { 'error.type': error.code }
      pageView(request, error.status, startedAt, endedAt, { attributes, failure: error.code })
    },

    /** Sends what is left. */
    stop: () => provider.shutdown().catch(() => {}),
  }
}

type SpanOptions = { kind?: SpanKind; attributes?: Record<string, string | number>; failure?: string }

/** The span that NGINX names. Source: https://www.w3.org/TR/trace-context/#traceparent-header */
function parentOf({ headers }: IncomingMessage): Context {
  const header = String(headers.traceparent ?? '')
  const [, traceId, spanId] = /^00-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}$/.exec(header) ?? []
  if (!traceId || !spanId) return ROOT_CONTEXT
  const traceFlags = TraceFlags.SAMPLED
  return trace.setSpanContext(ROOT_CONTEXT, { traceId, spanId, traceFlags, isRemote: true })
}
