// When the certificate ends that NGINX really serves, which can differ from the file: NGINX reads that only when it starts or
// reloads. The exporter shakes hands with NGINX as a visitor does.

import { once } from 'node:events'
import { connect } from 'node:tls'
import { Gauge, type Registry } from 'prom-client'

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
