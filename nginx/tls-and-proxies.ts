import { constants } from 'node:fs'
import { access, rm, symlink } from 'node:fs/promises'
import { isIPv4, isIPv6 } from 'node:net'
import { join, resolve } from 'node:path'

export type TlsSettings = {
  /** PEM file: the certificate, then the intermediate certificates */
  certificate: string
  /** PEM file, without a passphrase */
  key: string
  /** port of HTTPS. Plain HTTP then only redirects to it. */
  port: number
  /** the host that plain HTTP redirects to; default: the host of the request */
  publicHost?: string
  /** whether this NGINX has the directive `http2`: see findNginx */
  http2Directive: boolean
  /** false if browsers use other ports than 80 and 443: then there is no HSTS; default: true */
  strictTransport?: boolean
}

// Links beside the configuration: the paths of the files may have characters that have a meaning in it.
const certificateLink = 'tls.crt'
const keyLink = 'tls.key'

/** Creates links to the files of `tls` beside the configuration. NGINX follows them again at each reload. */
export async function linkCertificate(directory: string, { certificate, key }: TlsSettings): Promise<void> {
  for (const [link, file] of [
    [certificateLink, certificate],
    [keyLink, key],
  ] as const) {
    await rm(join(directory, link), { force: true })
    await symlink(resolve(file), join(directory, link))
  }
}

/** Variables of conf/transport-tls.conf.template. */
export function tlsVariables(host: string, tls: TlsSettings): Record<string, string> {
  return {
    NGINX_LISTEN_TLS: `${listenAddress(host, tls.port)} ssl${tls.http2Directive ? '' : ' http2'}`,
    NGINX_HTTP2: tls.http2Directive ? 'http2 on;' : '',
    NGINX_REDIRECT_HOST: tls.publicHost ?? '$host',
    NGINX_CERTIFICATE: certificateLink,
    NGINX_CERTIFICATE_KEY: keyLink,
    NGINX_STRICT_TRANSPORT: tls.strictTransport === false ? '' : 'max-age=31536000',
    NGINX_HTTPS_PORT_SUFFIX: tls.port === 443 ? '' : `:${tls.port}`,
  }
}

/** @throws if a file is missing or cannot be read: configured HTTPS must never become plain HTTP */
export async function checkTls({ certificate, key, publicHost = 'localhost' }: TlsSettings): Promise<void> {
  if (!/^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$/.test(publicHost))
    throw new Error(`${publicHost} is not the name of a host that plain HTTP can lead to`)
  for (const [name, file] of Object.entries({ certificate, "certificate's key": key })) {
    await access(file, constants.R_OK).catch(() => {
      throw new Error(`HTTPS needs the ${name}, and ${file} is not there or cannot be read`)
    })
  }
}

/** Variables of conf/client-proxied.conf.template. docker-entrypoint.d/ does the same in a container. */
export function trustedProxyVariables(proxies: string[]): Record<string, string> {
  return {
    NGINX_SET_REAL_IP_FROM: proxies.map(proxy => `set_real_ip_from ${proxy};`).join('\n'),
    NGINX_TRUSTED_PEERS: proxies.map(proxy => `${proxy} 1;`).join('\n'),
  }
}

/** @throws one error that names every text that is neither an address nor a network in CIDR notation */
export function checkTrustedProxies(proxies: string[]): void {
  const wrong = proxies.filter(proxy => !isAddressOrNetwork(proxy))
  if (wrong.length > 0)
    throw new Error(
      `TRUSTED_PROXIES takes addresses and networks, as 10.0.0.7 or 10.1.0.0/24, at least /8 (IPv6: /16), and not: ${wrong.join(' ')}`,
    )
}

/**
 * A trusted address can claim any other address, so networks that contain many visitors are refused: two halves of all
 * addresses would be all. The largest networks in use are 10.0.0.0/8 and, for IPv6, about /29.
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

/**
 * The canonical form of an address to listen on: IPv6 in its shortest form and without brackets, IPv4 as four numbers, a
 * name in lower case. So `[::]`, `::0` and `0:0:0:0:0:0:0:0` are all `::`. Null if it is no address.
 */
export function normaliseAddress(host: string): string | null {
  if (!/^(\[[^[\]]*\]|[A-Za-z0-9.:-]+)$/.test(host)) return null
  const inBrackets = host.includes(':') && !host.startsWith('[') ? `[${host}]` : host
  const address = URL.parse(`http://${inBrackets}`)?.hostname.replace(/^\[|\]$/g, '')
  if (!address) return null
  // An IPv4 address written as IPv6: NGINX cannot listen on it. Source: RFC 4291, 2.5.5.2
  const [, high, low] = /^::ffff:([0-9a-f]+):([0-9a-f]+)$/.exec(address) ?? []
  if (high === undefined || low === undefined) return address
  return [high, low]
    .flatMap(half => [Number.parseInt(half, 16) >> 8, Number.parseInt(half, 16) & 255])
    .join('.')
}

/**
 * Where to listen, as NGINX's `listen` has it: IPv6 addresses are in brackets, and `::` means IPv4 too, as it does for Node.
 * `host` is normalised. Source: https://nginx.org/en/docs/http/ngx_http_core_module.html#listen
 */
export function listenAddress(host: string, port: number): string {
  const address = host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
  return host === '::' ? `${address} ipv6only=off` : address
}
