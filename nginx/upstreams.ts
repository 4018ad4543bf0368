// The upstreams of the configuration that `npm start` uses. nginx/render.ts fills conf/*.template with the result. With native
// `sticky` NGINX itself binds visitors; legacyStickyVariables builds the same from plain directives.

/** A replica as NGINX knows it. */
export type ReplicaReference = {
  /** ip:port, or [ip]:port */
  address: string
  /** its value in the cookie: lowercase hex md5 of the address */
  srvId: string
}

/**
 * The `server` lines of an upstream. One failure takes a replica out, so that few requests meet it; but only for a second, so
 * that it is soon back.
 */
export function serverLines(addresses: string[], parameters = ''): string {
  return addresses
    .map(address => `server ${address} max_fails=1 fail_timeout=1s${parameters && ` ${parameters}`};`)
    .join('\n    ')
}

/** The `server` lines for the last try: no replica is taken out. */
export function lastTryServerLines(addresses: string[]): string {
  return addresses.map(address => `server ${address} max_fails=0;`).join('\n    ')
}

/** Variables of conf/sticky-legacy.conf.template: an upstream per replica, and the map from cookie to upstream. */
export function legacyStickyVariables(replicas: ReplicaReference[]): Record<string, string> {
  return {
    NGINX_BOUND_UPSTREAMS: replicas.map((_, index) => boundUpstream(replicas, index)).join('\n\n'),
    // A regular expression: plain strings of a map ignore case, but the cookie's value is lower case.
    NGINX_BOUND_BY_COOKIE: lines(replicas, ({ srvId }, index) => `~^:${srvId}$ ${boundName(index)};`),
  }
}

function boundUpstream(replicas: ReplicaReference[], index: number): string {
  const own = replicas.filter((_, other) => other === index).map(replica => replica.address)
  const others = replicas.filter((_, other) => other !== index).map(replica => replica.address)
  const servers = [serverLines(own), serverLines(others, 'backup')].filter(Boolean).join('\n    ')
  return `upstream ${boundName(index)} {
    zone ${boundName(index)} 256k;
    least_conn;
    ${servers}
    keepalive 64;
    keepalive_timeout 60s;
}`
}

function boundName(index: number): string {
  return `page_of_${index + 1}`
}

function lines(
  replicas: ReplicaReference[],
  line: (replica: ReplicaReference, index: number) => string,
): string {
  return replicas.map(line).join('\n    ')
}
