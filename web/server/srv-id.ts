import { createHash } from 'node:crypto'

const pattern = /^[0-9a-f]{32}$/

/**
 * The value of the cookie that names a server: lowercase hex MD5 of its `ip:port` (`[ip]:port` for IPv6), as NGINX's
 * `sticky cookie` makes it. A name, not a secret.
 * Source: https://nginx.org/en/docs/http/ngx_http_upstream_module.html#sticky
 */
export function srvIdOf(address: string): string {
  return createHash('md5').update(address).digest('hex')
}

export function isSrvId(text: string): boolean {
  return pattern.test(text)
}
