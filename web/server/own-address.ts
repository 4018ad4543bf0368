import { networkInterfaces } from 'node:os'

/**
 * The `ip:port` that NGINX reaches this replica at, when it was not told: the address it listens on or, when it listens
 * on all, the machine's first address that is not loopback (in a container there is one).
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
