/** Where to listen, as NGINX has it: IPv6 addresses stand in brackets. */
export function listenAddress(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}
