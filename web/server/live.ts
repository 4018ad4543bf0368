import type { LiveFeed } from './feed/live-feed.ts'
import type { Endpoint } from './http/endpoint.ts'
import { acceptsGzip } from './http/page-view-request.ts'

/** `GET /api/live`: the snapshot, then what changes, pushed; no hit. */
export function liveEndpoint(feed: LiveFeed): Endpoint {
  return (request, response) => feed.open(response, acceptsGzip(request))
}
