import { isIPv4, isIPv6 } from 'node:net'

/** What conf/client-proxied.conf.template needs; docker-entrypoint.d/ does the same in a container. */
export function trustedProxyVariables(proxies: string[]): Record<string, string> {
  return {
    NGINX_SET_REAL_IP_FROM: proxies.map(proxy => `set_real_ip_from ${proxy};`).join('\n'),
    NGINX_TRUSTED_PEERS: proxies.map(proxy => `${proxy} 1;`).join('\n'),
  }
}

/** @throws one error that names all that is neither an address nor a network in CIDR notation */
export function checkTrustedProxies(proxies: string[]): void {
  const wrong = proxies.filter(proxy => !isAddressOrNetwork(proxy))
  if (wrong.length > 0)
    throw new Error(
      `TRUSTED_PROXIES takes addresses and networks, as 10.0.0.7 or 10.1.0.0/24, at least /8 (IPv6: /16), and not: ${wrong.join(' ')}`,
    )
}

/**
 * A trusted address can name any other, so a network that many visitors come from is refused: two halves of all addresses
 * are all. The widest networks in use are 10.0.0.0/8 and, of IPv6, about /29.
 */
function isAddressOrNetwork(text: string): boolean {
  const [address = '', length, ...rest] = text.split('/')
  const bits = isIPv4(address) ? 32 : isIPv6(address) && !address.includes('%') ? 128 : 0
  if (bits === 0 || rest.length > 0) return false
  const least = bits === 32 ? 8 : 16
  return (
    length === undefined ||
    (/^[1-9]\d{0,2}$/.test(length) && Number(length) >= least && Number(length) <= bits)
  )
}
