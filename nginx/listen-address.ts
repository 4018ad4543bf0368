/**
 * Where to listen, as NGINX's `listen` has it: IPv6 addresses are in brackets, and `::` means IPv4 too, as it does for Node.
 * Source: https://nginx.org/en/docs/http/ngx_http_core_module.html#listen
 */
export function listenAddress(host: string, port: number): string {
  const address = host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
  return host === '::' ? `${address} ipv6only=off` : address
}
