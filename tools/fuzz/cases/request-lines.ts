// Methods, targets and versions: the first line of a request.

import fc from 'fast-check'
import { attack, choice, oneOf, rawControl, repeated, tokens, weighted } from './texts.ts'

export const fixedPaths = choice(`
    /api/snapshot ¦ /api/live ¦ /api/log ¦ /api/log.csv ¦ /api/history ¦ /api/audit ¦ /api/forget ¦
    /api ¦ /api/ ¦ /api/nothing ¦ /lab/visit ¦ /lab/visit?policy=hash&key=MARK ¦ /lab/visit/ ¦ /lab ¦
    /api/servers/web-1/drain ¦ /api/servers/web-2/kill ¦ /api/servers/web-1/restart?MARK ¦
    /api/servers/MARK/kill ¦ /api/servers/web-1%2fkill ¦ /api/servers/../kill ¦ /api/servers/ ¦ /health/live ¦ /health/ready ¦ /health ¦ /healthz ¦ /metrics ¦
    /_nginx/ready ¦ /_nginx/error.json ¦ /_nginx/error.html ¦ ASSET ¦ /_next/static/ ¦
    /_next/static/MARK.js ¦ /_next/image?url=https%3A%2F%2FMARK.example%2Fx.png&w=64&q=75 ¦
    /_next/data/MARK/index.json ¦ /_next/hmr ¦ /_next/webpack-hmr ¦ /_not-found ¦ /icon.svg ¦
    /favicon.ico ¦ /apple-touch-icon.png ¦ /robots.txt ¦ /index.html ¦ /index.rsc ¦ /MARK ¦
    /.git/config ¦ /server.js ¦ /__proto__ ¦ * ¦ NONE ¦ ?MARK ¦ MARK ¦ /.. ¦ /../../etc/passwd ¦
    //MARK.example/ ¦ /\\MARK.example/ ¦ /%5cMARK.example/ ¦ /%2f%2fMARK.example/ ¦
    http://MARK.example/ ¦ http://MARK.example ¦ HTTPS://MARK.example:99/api/log ¦
    http://MARK@example/ ¦ http:/// ¦ http:/MARK ¦ ftp://MARK.example/ ¦ MARK.example:443 ¦ /;MARK ¦
    /%23 ¦ /#MARK ¦ /%3fMARK`)

type PathChange = (path: string, at: number) => string
const pathChanges: readonly [PathChange, ...PathChange[]] = [
  (path, at) => cut(path, at, each => `%${each.charCodeAt(0).toString(16).padStart(2, '0')}`),
  (path, at) => cut(path, at, each => `%25${each.charCodeAt(0).toString(16).padStart(2, '0')}`),
  (path, at) => cut(path, at, each => each.toUpperCase()),
  (path, at) => cut(path, at, each => `${each}%00`),
  (path, at) => cut(path, at, each => `${each}\0`),
  (path, at) => cut(path, at, each => (each === '/' ? '//' : `${each};MARK`)),
  (path, at) => cut(path, at, each => (each === '/' ? '/./' : `${each}%20`)),
  (path, at) => cut(path, at, each => (each === '/' ? '/x/../' : `${each}\t`)),
  (path, at) => cut(path, at, each => (each === '/' ? '\\' : `${each}\u00e9`)),
  path => `${path}/`,
  path => `${path}/..`,
  path => `${path}%2e%2e`,
  path => `${path}#MARK`,
  path => `/x/..${path}`,
  path => `http://MARK.example${path}`,
]

function cut(path: string, at: number, change: (letter: string) => string): string {
  const place = at % Math.max(path.length, 1)
  return path.slice(0, place) + change(path.charAt(place)) + path.slice(place + 1)
}

const changedPath = fc
  .tuple(
    weighted<string>([1, fc.constant('/')], [3, fixedPaths]),
    fc.array(fc.tuple(fc.constantFrom(...pathChanges), fc.nat({ max: 40 })), { minLength: 1, maxLength: 2 }),
  )
  .map(([path, changes]) => changes.reduce((changed, [change, at]) => change(changed, at), path))

const parameter = weighted<string>(
  [
    6,
    fc
      .tuple(
        choice(`
    before ¦ limit ¦ srv_id ¦ client_ip ¦ range ¦ policy ¦ key ¦ slow ¦ fail ¦ _rsc ¦ MARK ¦ limit[] ¦ limit[a] ¦ LIMIT ¦
    %6cimit ¦ NONE`),
        choice('= ¦ NONE ¦ == ¦ %3d ¦ =%'),
        weighted<string>(
          [
            3,
            choice(`
    1 ¦ 50 ¦ 200 ¦ 201 ¦ 100000 ¦ 0 ¦ -1 ¦ 1e3 ¦ 0x10 ¦ 01 ¦ 9007199254740993 ¦ 5m ¦ 1h ¦ 24h ¦
    round_robin ¦ least_conn ¦ hash ¦ web-1:20 ¦ web-1:2001 ¦ web-1:0.5 ¦ web-1:0.5,web-2:20 ¦ web-3:MARK ¦
    127.0.0.1 ¦ 203.0.113.7 ¦ 203.0.113.x ¦ 2001:db8::1 ¦ ::1 ¦ SRVID ¦ NONE`),
          ],
          [2, attack],
        ),
      )
      .map(parts => parts.join('')),
  ],
  [1, attack],
  [1, rawControl],
)

const query = fc
  .tuple(fc.array(parameter, { minLength: 1, maxLength: 4 }), choice('& ¦ & ¦ && ¦ ; ¦ ? ¦ %26'))
  .map(([parameters, between]) => `?${parameters.join(between)}`)

export const apiQuery = fc
  .tuple(
    choice(`
    /api/log ¦ /api/log ¦ /api/log.csv ¦ /api/history ¦ /api/audit ¦ / ¦ /lab/visit ¦
    /api/servers/web-1/undrain`),
    query,
  )
  .map(parts => parts.join(''))

export const target = weighted<string>(
  [8, fc.constant('/')],
  [8, fixedPaths],
  [6, changedPath],
  [8, apiQuery],
  [2, fc.tuple(fixedPaths, query).map(parts => parts.join(''))],
  [1, attack.map(text => `/${text}`)],
  [
    1,
    fc
      .tuple(choice('/ ¦ /? ¦ /api/log? ¦ /api/log?MARK='), repeated('%41', 4000))
      .map(parts => parts.join('')),
  ],
)

export const method = weighted<string>(
  [30, fc.constant('GET')],
  [5, fc.constant('HEAD')],
  [5, fc.constant('POST')],
  [
    6,
    choice(`
    PUT ¦ DELETE ¦ OPTIONS ¦ TRACE ¦ CONNECT ¦ PATCH ¦ PROPFIND ¦ QUERY ¦ PURGE ¦ M-SEARCH ¦ PRI ¦
    SOURCE ¦ LOCK`),
  ],
  [
    2,
    oneOf(
      'get',
      'GETGET',
      'GET\0',
      'G\u00ffT',
      ' GET',
      '\tGET',
      '\r\nGET',
      'GET ',
      '',
      'MARK',
      'DEBUG',
      'head',
    ),
  ],
  [1, tokens],
)

export const version = weighted<string>(
  [40, fc.constant('HTTP/1.1')],
  [3, fc.constant('HTTP/1.0')],
  [
    2,
    choice(`
    HTTP/0.9 ¦ HTTP/1.2 ¦ HTTP/1.10 ¦ HTTP/2.0 ¦ HTTP/3 ¦ HTTP/9.9 ¦ http/1.1 ¦ HTTP/1.1 MARK ¦
    HTTP/ ¦ HTP/1.1 ¦ HTTP/1. ¦ MARK ¦ NONE`),
  ],
)
