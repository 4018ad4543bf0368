import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { networkInterfaces } from 'node:os'

/** This instance of the replica. */
export type Identity = {
  /** id of its row in `server` */
  id: number
  /** the readable name */
  name: string
  /** ip:port, as NGINX knows it */
  address: string
  /** its value in the sticky cookie */
  srv_id: string
}

const pattern = /^[0-9a-f]{32}$/

/**
 * The sticky cookie's value for a server: lowercase hex MD5 of its `ip:port` (`[ip]:port` for IPv6), as NGINX's `sticky cookie`
 * computes it. It is a name, not a secret.
 * Source: https://nginx.org/en/docs/http/ngx_http_upstream_module.html#sticky
 */
export function srvIdOf(address: string): string {
  return createHash('md5').update(address).digest('hex')
}

export function isSrvId(text: string): boolean {
  return pattern.test(text)
}

/**
 * The default for SERVER_ADDRESS, the `ip:port` that NGINX reaches this replica at: the address it listens on. If it listens on
 * all, the machine's first address that is not loopback (a container has one).
 */
export function ownAddress(host: string, port: number, interfaces = networkInterfaces()): string {
  return withPort(isWildcard(host) ? firstOutside(interfaces) : host, port)
}

function firstOutside(interfaces: ReturnType<typeof networkInterfaces>): string {
  const outside = Object.values(interfaces)
    .flatMap(addresses => addresses ?? [])
    .filter(address => !address.internal && !address.address.startsWith('fe80:'))
  const chosen = outside.find(address => address.family === 'IPv4') ?? outside[0]
  return chosen?.address ?? '127.0.0.1'
}

function isWildcard(host: string): boolean {
  return host === '0.0.0.0' || host === '::'
}

function withPort(ip: string, port: number): string {
  return ip.includes(':') ? `[${ip}]:${port}` : `${ip}:${port}`
}

/** The lowest of web-1, web-2, … that is not in use. */
export function lowestFreeName(inUse: string[]): string {
  const taken = new Set(inUse)
  for (let n = 1; ; n++) {
    const name = `web-${n}`
    if (!taken.has(name)) return name
  }
}

/** @throws EADDRINUSE or the like, before anything is started that would need to be undone */
export async function checkAddressFree(host: string, port: number): Promise<void> {
  const probe = createServer().listen(port, host)
  await once(probe, 'listening')
  probe.close()
  await once(probe, 'close')
}
