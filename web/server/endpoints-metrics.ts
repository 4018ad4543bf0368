import type { Registry } from 'prom-client'
import { sendText } from './http/answer.ts'
import type { Endpoint } from './http/endpoint.ts'

/** `GET /metrics`, for Prometheus. */
export function metricsEndpoint(registry: Registry): Endpoint {
  return async (_request, response) => sendText(response, 200, registry.contentType, await registry.metrics())
}
