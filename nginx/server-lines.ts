/**
 * The `server` lines of an upstream. The first failure takes a replica out, so that few meet it; for a second only, so
 * that it is soon back.
 */
export function serverLines(addresses: string[], parameters = ''): string {
  return addresses
    .map(address => `server ${address} max_fails=1 fail_timeout=1s${parameters && ` ${parameters}`};`)
    .join('\n    ')
}

/** The same for the last try, in which no replica counts as failed. */
export function lastTryServerLines(addresses: string[]): string {
  return addresses.map(address => `server ${address} max_fails=0;`).join('\n    ')
}
