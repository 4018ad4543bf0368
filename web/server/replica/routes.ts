import type { Registry } from 'prom-client'
import { auditEndpoint } from '../endpoints/audit.ts'
import { isUnderApi, notFoundEndpoint, pageProblem } from '../endpoints/error-pages.ts'
import { historyEndpoint } from '../endpoints/history.ts'
import { logCsvEndpoint, logEndpoint } from '../endpoints/log.ts'
import { forOwnVisitors, pageEndpoint, pageHead } from '../endpoints/page.ts'
import { AnswerError } from '../errors.ts'
import type { Board } from '../feed/board.ts'
import type { LiveFeed } from '../feed/live-feed.ts'
import { acceptsGzip, isFlightRequest } from '../http/request.ts'
import { type Endpoint, type Routes, sendError, sendJson, sendText } from '../http/router.ts'
import type { Readiness } from '../lifecycle/readiness.ts'
import { contentSecurityPolicy, newNonce } from '../render/template.ts'
import type { Services } from './services.ts'

/** Every endpoint of a replica, by its path. */
export function routesOf(parts: Services): Routes {
  const { identity, board, queue, pages, figures, metrics, environment } = parts
  const own = {
    srvId: identity.srv_id,
    isDraining: () => parts.readiness.draining,
    cannotCount: () => parts.readiness.cannotCount,
  }
  const reading = { read: parts.pools.read, addresses: environment.clientAddresses }
  const page = pageEndpoint({
    admission: parts.admission,
    queue,
    pages,
    identity,
    earlierHere: parts.earlierHere,
    serverOf: srvId => board.knownServers.find(srvId),
    onCounted: durationMs => {
      figures.recordHit(durationMs)
      metrics.hits.inc()
      metrics.hitSeconds.observe(durationMs / 1000)
    },
    development: environment.development,
  })
  const sendProblem = pageProblem(parts.problems, environment.development)
  return {
    exact: {
      '/': {
        GET: forOwnVisitors(own, unlessFlight(page)),
        HEAD: forOwnVisitors(own, pageHead(identity)),
      },
      '/api/snapshot': readOnly(snapshotEndpoint(board)),
      '/api/live': { GET: liveEndpoint(parts.feed) },
      '/api/log': readOnly(logEndpoint(reading)),
      '/api/log.csv': readOnly(logCsvEndpoint(reading)),
      '/api/history': readOnly(historyEndpoint(reading)),
      '/api/audit': readOnly(auditEndpoint(reading)),
      '/health/live': readOnly(notThroughNginx(healthLive)),
      '/health/ready': readOnly(notThroughNginx(healthReady(parts.readiness))),
      '/metrics': readOnly(notThroughNginx(metricsEndpoint(metrics.registry))),
    },
    rest: restOf(parts),
    onError(error, request, url) {
      if (url.pathname !== '/' || request.method !== 'GET' || error.status < 500) return
      if (error.code === 'not_in_advance') return
      figures.recordError(error.code)
      metrics.failures.inc({ code: error.code })
    },
    sendError: (error, request, response, url) =>
      url.pathname === '/' ? sendProblem(error, request, response, url) : sendError(response, error),
  }
}

function readOnly(endpoint: Endpoint): Record<string, Endpoint> {
  return { GET: endpoint, HEAD: endpoint }
}

/** NGINX lets nobody through to these; what it passes on all the same is known by its header, and refused. */
function notThroughNginx(endpoint: Endpoint): Endpoint {
  return (request, response, url) => {
    if (request.headers['x-real-ip'] !== undefined)
      throw new AnswerError(404, 'not_found', 'There is nothing here.')
    return endpoint(request, response, url)
  }
}

/** Assets are Next's to answer; what does not exist is answered here, and never costs a rendering. */
function restOf({ next, environment }: Services): Endpoint {
  const assets = withPolicy(next.handle, environment.development)
  const notFound = notFoundEndpoint(next.notFoundPage)
  return (request, response, url) => {
    const isAsset = next.has(url.pathname) && !isUnderApi(url)
    return (isAsset ? assets : notFound)(request, response, url)
  }
}

/** What Next answers by itself has the policy of the page, with its own nonce. In development Next renders pages here. */
function withPolicy(endpoint: Endpoint, development: boolean): Endpoint {
  return (request, response, url) => {
    const policy = contentSecurityPolicy(newNonce(), development)
    request.headers['content-security-policy'] = policy
    response.setHeader('Content-Security-Policy', policy)
    return endpoint(request, response, url)
  }
}

/** The page has no flight data of its own to hand out: what is in it belongs to one hit. Next's client then loads the page. */
function unlessFlight(page: Endpoint): Endpoint {
  return (request, response, url) => {
    if (isFlightRequest(request, url)) throw new AnswerError(404, 'no_flight_data', 'Load the page itself.')
    return page(request, response, url)
  }
}

/** `GET /health/live`: the event loop turns. Whoever restarts what is unwell asks this. */
const healthLive: Endpoint = (_request, response) => sendJson(response, 200, { live: true })

/** `GET /health/ready`: new visitors may come; 503 says why not. Nothing to restart a replica for. */
function healthReady(readiness: Readiness): Endpoint {
  return (_request, response) => {
    const { unready } = readiness
    if (unready) throw new AnswerError(503, unready.code, unready.message)
    sendJson(response, 200, { ready: true })
  }
}

/** `GET /metrics`, for Prometheus. */
function metricsEndpoint(registry: Registry): Endpoint {
  return async (_request, response) => sendText(response, 200, registry.contentType, await registry.metrics())
}

/** ms a snapshot may be old: many that ask cost the database no more than one. */
const maxAgeMs = 500

/** `GET /api/snapshot`: the board as of now; no hit. */
function snapshotEndpoint(board: Board): Endpoint {
  return async (_request, response) => {
    sendJson(response, 200, await board.noOlderThan(maxAgeMs))
  }
}

/** `GET /api/live`: the snapshot, then what changes, pushed; no hit. */
function liveEndpoint(feed: LiveFeed): Endpoint {
  return (request, response) => feed.open(response, acceptsGzip(request))
}
