// What the exporter asks NGINX itself: whether it answers, and when the certificate ends that it really serves. That can differ from
// the file, which NGINX reads only when it starts or reloads. The exporter shakes hands with NGINX as a visitor does.

import { once } from 'node:events'
import { connect } from 'node:tls'
import { Gauge, type Registry } from 'prom-client'

/** ms in which NGINX has to answer: less than Prometheus waits (scrape_timeout) */
const statusTimeoutMs = 2000

/**
 * Adds the metric. nginx-prometheus-exporter 1.5 waits for a frozen NGINX without an end, so Prometheus cannot read its `nginx_up`
 * then: the value of its option `--nginx.timeout` never reaches its HTTP client.
 */
export function watchStatus(registry: Registry, url: string): void {
  new Gauge({
    name: 'balance_board_nginx_up',
    help: 'Whether NGINX answers at its status page within two seconds',
    registers: [registry],
    async collect() {
      this.set(Number(await answersAt(url)))
    },
  })
}

async function answersAt(url: string): Promise<boolean> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(statusTimeoutMs) })
    await response.body?.cancel()
    return response.status < 500 // 404: built without a status page
  } catch {
    return false
  }
}

/** ms between two handshakes */
const every = 60_000
/** ms that a handshake may take */
const timeoutMs = 5000

/** When the certificate at `address` (host:port) ends, in seconds since 1970. Null if no certificate is served there. */
export async function readCertificateEnd(address: string): Promise<number | null> {
  const { hostname: host, port } = new URL(`tls://${address}`)
  // Any certificate: an expired or private one has an end too.
  const socket = connect({ host, port: Number(port), rejectUnauthorized: false })
  try {
    await once(socket, 'secureConnect', { signal: AbortSignal.timeout(timeoutMs) })
    const end = Date.parse(socket.getPeerCertificate().valid_to)
    return Number.isNaN(end) ? null : end / 1000
  } catch {
    return null // plain HTTP, or nothing listens
  } finally {
    socket.on('error', () => {}).destroy()
  }
}

/** Adds the metric. It is absent while no certificate is served, as without HTTPS. */
export function watchCertificate(registry: Registry, address: string): void {
  const end = new Gauge({
    name: 'balance_board_nginx_certificate_expiry_timestamp_seconds',
    help: 'When the certificate ends that NGINX serves, in seconds since 1970',
    labelNames: ['address'] as const,
    registers: [registry],
  })
  const read = async () => {
    const seconds = await readCertificateEnd(address)
    end.reset()
    if (seconds !== null) end.set({ address }, seconds)
  }
  void read()
  setInterval(read, every).unref()
}
