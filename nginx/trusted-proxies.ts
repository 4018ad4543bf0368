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
      `TRUSTED_PROXIES takes addresses and networks, as 10.0.0.7 or 10.1.0.0/24, and not: ${wrong.join(' ')}`,
    )
}

/** A network of all addresses is none: whom everybody is trusted to name can be forged by everybody. */
function isAddressOrNetwork(text: string): boolean {
  const [address = '', length, ...rest] = text.split('/')
  const bits = isIPv4(address) ? 32 : isIPv6(address) && !address.includes('%') ? 128 : 0
  if (bits === 0 || rest.length > 0) return false
  return length === undefined || (/^[1-9]\d{0,2}$/.test(length) && Number(length) <= bits)
}
