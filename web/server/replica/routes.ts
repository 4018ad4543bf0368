import { readAdminToken } from '../config.ts'
import { auditEndpoint } from '../endpoints/audit.ts'
import { controlEndpoint, isControlPath } from '../endpoints/control.ts'
import { isUnderApi, notFoundEndpoint, pageProblem } from '../endpoints/error-pages.ts'
import { historyEndpoint } from '../endpoints/history.ts'
import { labVisitEndpoint } from '../endpoints/lab.ts'
import { logCsvEndpoint, logEndpoint } from '../endpoints/log.ts'
import { forOwnVisitors, pageEndpoint, pageHead } from '../endpoints/page.ts'
import { AnswerError } from '../errors.ts'
import type { Board } from '../feed/board.ts'
import type { LiveFeed } from '../feed/live-feed.ts'
import { acceptsGzip, announcesBody, isFlightRequest, readRequestId } from '../http/request.ts'
import { bodyRefused, type Endpoint, type Routes, sendError, sendJson, sendText } from '../http/router.ts'
import type { Readiness } from '../lifecycle/commit-health.ts'
import { LineLimit, log } from '../log.ts'
import type { Metrics } from '../metrics/metrics.ts'
import { contentSecurityPolicy, newNonce } from '../render/template.ts'
import type { Services } from './services.ts'

/** Lines a second about failed page views, at most. The metrics count all; NGINX's access log has each. */
const failedViewLinesPerSecond = 10

/** Every endpoint of a replica, by path and method. */
export function routesOf(services: Services): Routes {
  const { identity, board, queue, pages, stats, metrics, environment } = services
  const state = {
    srvId: identity.srv_id,
    isDraining: () => services.readiness.draining,
    cannotCount: () => services.readiness.cannotCount,
  }
  const reading = { read: services.pools.read, addresses: environment.clientAddresses }
  const page = pageEndpoint({
    admission: services.admission,
    queue,
    pages,
    identity,
    previousServerName: services.previousServerName,
    serverOf: srvId => board.knownServers.find(srvId),
    onCounted: (request, visit, startedAt, times) => {
      const endedAt = performance.now()
      stats.recordHit(endedAt - startedAt)
      metrics.recordHit(visit.arrival, startedAt, times, endedAt)
      services.tracing?.pageView(request, visit, startedAt, times, endedAt)
    },
    development: environment.development,
  })
  const failedViews = new LineLimit(failedViewLinesPerSecond)
  const sendProblem = pageProblem(services.problems, environment.development)
  return {
    exact: {
      '/': {
        GET: withoutBody(forOwnVisitors(state, unlessFlight(page))),
        HEAD: withoutBody(forOwnVisitors(state, pageHead(identity))),
      },
      '/api/snapshot': readOnly(snapshotEndpoint(board)),
      '/api/live': { GET: liveEndpoint(services.feed) },
      '/api/log': readOnly(logEndpoint(reading)),
      '/api/log.csv': readOnly(logCsvEndpoint(reading)),
      '/api/history': readOnly(historyEndpoint({ ...reading, board })),
      '/api/audit': readOnly(auditEndpoint(reading)),
      '/lab/visit': readOnly(labVisitEndpoint(identity)),
      '/health/live': readOnly(notThroughNginx(healthLive)),
      '/health/ready': readOnly(notThroughNginx(healthReady(services.readiness))),
      '/metrics': readOnly(notThroughNginx(metricsEndpoint(metrics))),
    },
    matching: {
      matches: isControlPath,
      byMethod: {
        POST: controlEndpoint({
          pools: services.pools,
          ownEnd: services.ownEnd,
          readToken: () => readAdminToken(environment),
        }),
      },
    },
    fallback: assetsOrNotFound(services),
    onError(error, request, url, startedAt) {
      if (url.pathname !== '/' || request.method !== 'GET' || error.status < 500) return
      if (error.code === 'not_in_advance') return
      stats.recordError(error.code)
      services.tracing?.failedPageView(request, error, startedAt, performance.now())
      failedViews.offer(left_out => {
        const request_id = readRequestId(request)
        const more = left_out > 0 && { left_out }
        log.warn('a page view failed', { code: error.code, status: error.status, request_id, ...more })
      })
      metrics.failures.inc({ code: error.code })
    },
    sendError: (error, request, response, url) =>
      url.pathname === '/' ? sendProblem(error, request, response, url) : sendError(response, error),
  }
}

function readOnly(endpoint: Endpoint): Record<string, Endpoint> {
  return { GET: endpoint, HEAD: endpoint }
}

/** NGINX blocks these paths. A request that comes through it anyway has its header, and gets 404. */
function notThroughNginx(endpoint: Endpoint): Endpoint {
  return (request, response, url) => {
    if (request.headers['x-real-ip'] !== undefined)
      throw new AnswerError(404, 'not_found', 'There is nothing here.')
    return endpoint(request, response, url)
  }
}

/** Assets come from Next. Everything else is answered here, so an unknown path never costs a rendering. */
function assetsOrNotFound({ next, environment }: Services): Endpoint {
  const assets = withPolicy(next.handle, environment.development)
  const notFound = notFoundEndpoint(next.notFoundPage)
  return (request, response, url) => {
    const isAsset = next.has(url.pathname) && !isUnderApi(url)
    return (isAsset ? assets : notFound)(request, response, url)
  }
}

/** Sets the page's content security policy, with a new nonce. In development Next also renders pages through this. */
function withPolicy(endpoint: Endpoint, development: boolean): Endpoint {
  return (request, response, url) => {
    const policy = contentSecurityPolicy(newNonce(), development)
    request.headers['content-security-policy'] = policy
    response.setHeader('Content-Security-Policy', policy)
    return endpoint(request, response, url)
  }
}

/** As NGINX does: a page view whose body turns out to be broken would be counted, and refused. */
function withoutBody(page: Endpoint): Endpoint {
  return (request, response, url) => {
    if (!announcesBody(request)) return page(request, response, url)
    response.setHeader('Connection', 'close')
    throw bodyRefused()
  }
}

/** The page's flight data belongs to one hit, so it is not served separately. Next's client then loads the page. */
function unlessFlight(page: Endpoint): Endpoint {
  return (request, response, url) => {
    if (isFlightRequest(request, url)) throw new AnswerError(404, 'no_flight_data', 'Load the page itself.')
    return page(request, response, url)
  }
}

/** `GET /health/live`: the event loop runs. For health checks that restart what fails. */
const healthLive: Endpoint = (_request, response) => sendJson(response, 200, { live: true })

/** `GET /health/ready`: new visitors may come; a 503 says why not. Not a reason to restart a replica. */
function healthReady(readiness: Readiness): Endpoint {
  return (_request, response) => {
    const { unready } = readiness
    if (unready) throw new AnswerError(503, unready.code, unready.message)
    sendJson(response, 200, { ready: true })
  }
}

/** `GET /metrics`, for Prometheus. */
function metricsEndpoint(metrics: Metrics): Endpoint {
  return async (_request, response) => sendText(response, 200, metrics.contentType, await metrics.text())
}

/** Maximum age of a snapshot in ms: many clients cost the database no more than one. */
const maxAgeMs = 500

/** `GET /api/snapshot`: the current board. Not a hit. */
function snapshotEndpoint(board: Board): Endpoint {
  return async (_request, response) => {
    sendJson(response, 200, await board.noOlderThan(maxAgeMs))
  }
}

/** `GET /api/live`: a snapshot, then changes as server-sent events. Not a hit. */
function liveEndpoint(feed: LiveFeed): Endpoint {
  return (request, response) => feed.open(response, acceptsGzip(request))
}
