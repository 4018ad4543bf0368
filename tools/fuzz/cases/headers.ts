// Header lines: those that NGINX, a replica, Next or a browser understands, with good and bad values, and odd ones.

import fc, { type Arbitrary } from 'fast-check'
import { attack, choice, digits, oneOf, rawControl, repeated, tokens, weighted } from './texts.ts'

const cookie = weighted<string>(
  [
    4,
    choice(`
    srv_id=SRVID ¦ srv_id=SRVID; srv_id=MARK ¦ srv_id=MARK; srv_id=SRVID ¦ SRV_ID=SRVID ¦
    srv_id="SRVID" ¦ srv_id= ¦ srv_id ¦ = ¦ ;;; ¦ a=1; srv_id=SRVID; b=MARK ¦
    $Version=1; srv_id=SRVID ¦ srv_id=SRVID0 ¦ srv_id=SRVID, srv_id=SRVID`),
  ],
  [2, digits(32).map(value => `srv_id=${value}`)],
  [1, digits(32).map(value => `srv_id=${value.toUpperCase()}`)],
  [2, attack.map(text => `srv_id=${text}`)],
  [1, attack],
  [1, repeated('a=MARK; ', 900)],
)

const address = weighted<string>(
  [
    4,
    choice(`
    203.0.113.9 ¦ 10.0.0.1 ¦ 127.0.0.1 ¦ ADDRESS ¦ ::ffff:ADDRESS ¦ ::1 ¦ 2001:db8::1 ¦
    fe80::1%eth0 ¦ [2001:db8::1]:99 ¦ 203.0.113.9:99 ¦ unknown ¦ _hidden ¦ 0x7f.1 ¦ 1.2.3 ¦
    203.0.113.9, 10.0.0.1 ¦ 203.0.113.9,,, ¦ NONE`),
  ],
  [2, attack],
)

const mediaTypes = choice(`
  */* ¦ text/html ¦ application/json ¦ text/html;q=0.9,application/json ¦ text/x-component ¦ text/event-stream ¦
  image/avif,image/webp ¦ application/* ¦ MARK/MARK ¦ application/json"><MARK ¦ ,,, ¦ NONE`)
const conditions = choice(`
  "MARK" ¦ W/"MARK" ¦ * ¦ " ¦ NONE ¦ MARK ¦ bytes ¦
  Thu, 01 Jan 1970 00:00:00 GMT ¦ Fri, 31 Dec 9999 23:59:59 GMT`)

/** A header a line, and its values. */
const values = `
  X-Forwarded-Proto: https ¦ http ¦ HTTPS ¦ https,http ¦ MARK ¦ javascript
  X-Forwarded-Port: 443 ¦ 99999 ¦ MARK ¦ -1
  X-Last-Try: 1 ¦ 0 ¦ MARK
  X-Earlier-Try: unanswered ¦ MARK
  X-Hit: 1 ¦ MARK
  X-Srv-Id: SRVID ¦ MARK
  Host: MARK.example ¦ MARK.example:8080 ¦ localhost ¦ a b ¦ NONE ¦ MARK">< ¦ [::1] ¦ [::1 ¦
      127.0.0.1:99999 ¦ %4dMARK ¦ MARK.example/ ¦ MARK@example ¦ MARK\u00ff ¦ MARK.. ¦ . ¦ :80 ¦
      MARK.example:80:80 ¦ _
  Sec-Purpose: prefetch ¦ prefetch;prerender ¦ PREFETCH ¦ preview ¦ MARK ¦ NONE
  Purpose: prefetch ¦ preview ¦ MARK
  X-Purpose: preview ¦ instant ¦ MARK
  X-Moz: prefetch ¦ MARK
  Accept-Encoding: gzip ¦ gzip, br, zstd ¦ gzip;q=0 ¦ * ¦ br ¦ identity;q=0 ¦ identity;q=0, *;q=0 ¦ GZIP ¦
      gzip;q=MARK ¦ MARK ¦ NONE
  Accept-Language: de ¦ * ¦ MARK ¦ en;q=MARK
  Accept-Charset: utf-7 ¦ MARK
  RSC: 1 ¦ NONE ¦ MARK
  rsc: 1 ¦ MARK
  Next-Router-State-Tree: %5B%22%22%2C%7B%7D%5D ¦ [[ ¦ MARK
  Next-Router-Prefetch: 1 ¦ MARK
  Next-Router-Segment-Prefetch: /_tree ¦ /MARK
  Next-Action: MARK ¦ 00aabb
  X-Nextjs-Data: 1 ¦ MARK
  X-Middleware-Subrequest: middleware:middleware:middleware:middleware:middleware ¦ MARK
  X-Middleware-Prefetch: 1
  X-Invoke-Status: 404 ¦ 500 ¦ MARK
  X-Prerender-Revalidate: MARK
  traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01 ¦
      00-00000000000000000000000000000000-0000000000000000-00 ¦ ff-MARK ¦ MARK ¦ NONE
  Range: bytes=0- ¦ bytes=0-0 ¦ bytes=-1 ¦ bytes=5-1 ¦ bytes=0-0,1-1,2-2 ¦ bytes=99999999- ¦ bytes=MARK ¦
      items=0-1 ¦ bytes=18446744073709551615- ¦ bytes=0-0,1-1,2-2,3-3,4-4,5-5,6-6,7-7,8-8,9-9
  Expect: 100-continue ¦ 100-Continue ¦ MARK ¦ 100-continue, MARK ¦ NONE
  Upgrade: websocket ¦ h2c ¦ TLS/1.2 ¦ h2c, websocket ¦ MARK ¦ NONE
  Connection: close ¦ keep-alive ¦ Upgrade ¦ Upgrade, HTTP2-Settings ¦ close, keep-alive ¦ Host ¦
      X-Real-IP, Cookie ¦ MARK ¦ NONE
  Keep-Alive: timeout=99999 ¦ MARK
  HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA ¦ MARK
  Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ== ¦ MARK
  Sec-WebSocket-Version: 13 ¦ MARK
  TE: trailers ¦ chunked ¦ MARK
  Trailer: Content-Length ¦ MARK
  Proxy-Connection: close ¦ keep-alive
  Max-Forwards: 0 ¦ -1 ¦ MARK
  Content-Type: application/json ¦ multipart/form-data; boundary=MARK ¦ MARK ¦ text/plain;charset=utf-7
  Content-Encoding: gzip ¦ MARK
  X-HTTP-Method-Override: DELETE ¦ GET ¦ MARK
  X-Original-URL: /metrics ¦ /MARK
  X-Rewrite-URL: /metrics ¦ /MARK
  X-Accel-Redirect: /_nginx/error.html ¦ /MARK
  X-Unserved: overloaded ¦ MARK
  Authorization: Bearer MARK ¦ Bearer ¦ Bearer Bearer ¦ bearer 0 ¦ Basic MARK ¦ NONE
  Origin: null ¦ https://MARK.example ¦ MARK
  Sec-Fetch-Mode: navigate ¦ cors ¦ MARK
  Last-Event-ID: 1 ¦ -1 ¦ 99999999999999999999 ¦ MARK
  Cache-Control: no-cache ¦ max-age=MARK ¦ only-if-cached
  Pragma: no-cache ¦ MARK
`

function readTable(table: string): [name: string, value: Arbitrary<string>][] {
  const lines = table.trim().split(/\n {2}(?=\S)/)
  return lines.map(line => [line.replace(/:.*/s, ''), choice(line.replace(/^[^:]*: /, ''))])
}

const knownHeaders: [name: string, value: Arbitrary<string>][] = [
  ...readTable(values),
  ['Cookie', cookie],
  ['X-Forwarded-For', address],
  ['X-Real-IP', address],
  ['X-Client-IP', address],
  ['True-Client-IP', address],
  ['Forwarded', address.map(each => `for="${each}";proto=https;host=MARK.example`)],
  ['X-Forwarded-Host', attack],
  ['X-Forwarded-Prefix', attack],
  ['X-Request-ID', weighted<string>([2, digits(32)], [1, digits(31)], [1, attack])],
  ['Accept', mediaTypes],
  ['Next-Url', attack],
  ['X-Matched-Path', attack],
  ['X-Invoke-Path', attack],
  ['tracestate', attack],
  ['baggage', attack],
  ['If-Range', conditions],
  ['If-Match', conditions],
  ['If-None-Match', conditions],
  ['If-Modified-Since', conditions],
  ['If-Unmodified-Since', conditions],
  ['Proxy-Authorization', attack],
  ['Authorization', attack],
  ['Via', attack],
  ['Referer', attack],
  ['User-Agent', attack],
  ['Content-Security-Policy', attack],
]

export const knownHeader = fc
  .constantFrom(...knownHeaders)
  .chain(([name, value]) => value.map(text => `${name}: ${text}`))

const headerName = fc.constantFrom(...knownHeaders.map(([name]) => name))

export const oddHeader = weighted<string>(
  [2, fc.tuple(headerName, attack).map(([name, text]) => `${name}: ${text}`)],
  [2, fc.tuple(headerName, rawControl).map(([name, text]) => `${name}: ${text}`)],
  [2, fc.tuple(tokens, attack).map(([name, text]) => `X-${name}: ${text}`)],
  [
    2,
    oneOf(
      'MARK',
      'X-MARK',
      ': MARK',
      ' folded: MARK',
      '\tfolded MARK',
      'X MARK: 1',
      'X-MARK : 1',
      'X-MARK\t: 1',
      'X-MARK:1',
      'X-MARK:',
      'X\0MARK: 1',
      'X\u00ffMARK: 1',
      'X-Real_IP: MARK',
      'X_Real_IP: MARK',
      'Host : MARK',
      'GET / HTTP/1.1',
      ':path: /MARK',
      ':authority: MARK',
    ),
  ],
  [1, repeated('MARK', 4000).map(text => `X-Large: ${text}`)],
  [1, repeated('X-Many: MARK\r\n', 400).map(text => `${text}X-Many: last`)],
)
