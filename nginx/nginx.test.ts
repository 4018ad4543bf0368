import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { access, glob, mkdir, readFile, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { test } from 'node:test'
import { temporaryFolder } from '../tools/lib/testing.ts'
import {
  controlAnswerSeconds,
  controlTimeoutMs,
  hitBudgetMs,
  labLimits,
  liveKeepAliveMs,
  lockWaitSeconds,
  messagesPerSecond,
  pageViewsMax,
  queryTimeoutMs,
  replicaKeepAliveMs,
} from '../web/shared/limits.ts'
import { findNginx, parseBuild } from './find-nginx.ts'
import { fillTemplate, legacyStickyVariables, type NginxSettings, renderNginx } from './render.ts'
import { testCertificate, testKey } from './testing/client-and-replica.ts'
import { checkTrustedProxies } from './tls-and-proxies.ts'
import { crashIn, resizeZones } from './worker-crashes.ts'

const good: NginxSettings = {
  directory: join(tmpdir(), 'balance-board-never-made'),
  host: '127.0.0.1',
  port: 8080,
  replicas: [{ address: '127.0.0.1:3000', srvId: '0'.repeat(32) }],
  stickySeconds: 300,
  native: false,
  errorLogOption: true,
  statusPort: 8081,
  statusPage: true,
}

const tls = { certificate: testCertificate, key: testKey, port: 8443, http2Directive: true }

const bad: [string, Partial<NginxSettings>, RegExp][] = [
  ['a host with more than an address', { host: '127.0.0.1; return 200' }, /is not an address/],
  ['no replica', { replicas: [] }, /at least one replica/],
  ['a replica without a port', { replicas: [{ address: 'web', srvId: '0'.repeat(32) }] }, /not ip:port/],
  ['an invalid srv_id', { replicas: [{ address: '127.0.0.1:3000', srvId: 'x' }] }, /not a srv_id/],
  ['a cookie without a lifetime', { stickySeconds: 0 }, /0 is not a lifetime of a cookie in seconds/],
  ['a limit of no page views', { pageViews: 0 }, /0 is not a number of concurrent page views/],
  ['a proxy that is not an address', { trustedProxies: ['proxy.example'] }, /and not: proxy\.example/],
  ['a certificate without its key', { tls: { ...tls, key: '/none.key' } }, /certificate's key.*\/none\.key/],
  [
    'a key without its certificate',
    { tls: { ...tls, certificate: '/none.crt' } },
    /the certificate.*\/none\.crt/,
  ],
  ['an invalid public host', { tls: { ...tls, publicHost: 'a/b; return 200' } }, /not the name of a host/],
  ['an exporter without a port', { exporter: 'exporter; return 200' }, /exporter; return 200 is not ip:port/],
  ['one port for HTTP and HTTPS', { tls: { ...tls, port: 8080 } }, /need different ports/],
]

for (const [name, setting, message] of bad)
  test(`refused, with nothing written: ${name}`, async () => {
    await assert.rejects(renderNginx({ ...good, ...setting }), message)
    await assert.rejects(access(good.directory))
  })

test('no argument and no file contains the path of the folder, which can have any characters', async () => {
  await using folder = await temporaryFolder()
  const directory = join(folder.path, 'a [b] {c} *? "d" $HOME')
  for (const native of [false, true])
    for (const settings of [{ tls, trustedProxies: ['10.0.0.7'] }, {}]) {
      const rendered = await renderNginx({ ...good, ...settings, native, directory })
      assert.ok(!rendered.arguments.join('\n').includes(folder.path), rendered.arguments.join(' '))
      for await (const name of glob('*.conf', { cwd: directory }))
        assert.ok(!(await readFile(join(directory, name), 'utf8')).includes(folder.path), name)
    }
})

test('an NGINX that does not have the option -e runs without it', async () => {
  await using folder = await temporaryFolder()
  const settings = { ...good, directory: folder.path }
  assert.ok((await renderNginx(settings)).arguments.includes('-e'))
  assert.ok(!(await renderNginx({ ...settings, errorLogOption: false })).arguments.includes('-e'))
})

test("by default compose's memory limit of NGINX is at least 512 MB per worker", async () => {
  const compose = await readFile(join(import.meta.dirname, '../docker-compose.yml'), 'utf8')
  const workers = Number(/NGINX_WORKERS: \$\{NGINX_WORKERS:-(\d+)\}/.exec(compose)?.[1])
  const gigabytes = Number(/mem_limit: \$\{NGINX_MEMORY:-(\d+)g\}/.exec(compose)?.[1])
  assert.ok(gigabytes * 1024 >= workers * 512, `${gigabytes} GB for ${workers} workers`)
})

/** The times that `text` sets with a directive, in ms. @throws if it sets none */
function timesOf(directive: string, text: string): number[] {
  const unitMs: Record<string, number> = { ms: 1, s: 1000 }
  const lines = text.matchAll(new RegExp(`^ *${directive} (\\d+)(ms|s);`, 'gm'))
  const times = [...lines].map(([, amount, unit = '']) => Number(amount) * (unitMs[unit] ?? Number.NaN))
  assert.ok(times.length > 0, `no ${directive} in: ${text}`)
  return times
}

const timeOf = (directive: string, text: string) => Math.min(...timesOf(directive, text))

/** The text of each block whose first line begins so, spaces included. */
function blocksOf(beginning: string, text: string): string[] {
  const [indent] = /^ */.exec(beginning) ?? ['']
  return `\n${text}`
    .split(`\n${beginning}`)
    .slice(1)
    .map(block => block.slice(0, block.indexOf(`\n${indent}}`)))
}

for (const native of [false, true])
  test(`NGINX waits longer than a replica takes, and the page longer than NGINX, ${native ? 'native' : 'map-based'} sticky cookie`, async () => {
    await using folder = await temporaryFolder()
    await renderNginx({ ...good, directory: folder.path, native })
    const read = (name: string) => readFile(join(folder.path, name), 'utf8')
    const [pageViews, server, replicas] = await Promise.all(
      ['page-views.conf', 'server.conf', 'replicas.conf'].map(read),
    )
    const sticky = await read(native ? 'sticky-native.conf' : 'sticky-legacy.conf')
    assert.ok(pageViews && server && replicas)
    const location = (path: string) => blocksOf(`    location ${path} {`, server).join()

    const pageTry = timeOf('proxy_read_timeout', pageViews)
    assert.ok(lockWaitSeconds * 1000 < hitBudgetMs && hitBudgetMs < pageTry, `a page view: ${pageTry} ms`)
    const tries = timesOf('proxy_next_upstream_timeout', pageViews)
    const allTries = tries.reduce((sum, begins) => sum + begins + pageTry, 0)
    assert.ok(allTries < timeOf('proxy_read_timeout', location('= /')), `all tries: ${allTries} ms`)

    assert.ok(queryTimeoutMs < timeOf('proxy_read_timeout', location('~ ^/api/(log|history)$')), 'a query')
    assert.ok(liveKeepAliveMs < timeOf('proxy_read_timeout', location('= /api/live')), 'the live feed')

    const control = timeOf('proxy_read_timeout', location('/api/servers/'))
    assert.ok(controlAnswerSeconds * 1000 < control && control < controlTimeoutMs, `control: ${control} ms`)
    const lab = location('= /lab/visit')
    const labTry = timeOf('proxy_read_timeout', lab)
    assert.ok(labLimits.slowMsMax < labTry, `a try of a lab visit: ${labTry} ms`)

    const upstreams = blocksOf('upstream ', `${sticky}${replicas}`).filter(text =>
      text.includes('keepalive '),
    )
    assert.equal(upstreams.length, native ? 2 : 3)
    for (const upstream of upstreams)
      assert.ok(timeOf('keepalive_timeout', upstream) < replicaKeepAliveMs, upstream)
  })

test('both stacks have the same limit of page views, and of messages for the metrics', async () => {
  await using folder = await temporaryFolder()
  await renderNginx({ ...good, directory: folder.path })
  const local = await readFile(join(folder.path, 'page-views.conf'), 'utf8')
  const compose = await readFile(join(import.meta.dirname, '../docker-compose.yml'), 'utf8')
  assert.equal(Number(/limit_conn page_views (\d+);/.exec(local)?.[1]), pageViewsMax)
  assert.equal(Number(/NGINX_PAGE_VIEWS: '(\d+)'/.exec(compose)?.[1]), pageViewsMax)
  const zones = await readFile(join(folder.path, 'shared-memory.conf'), 'utf8')
  assert.equal(Number(/zone=messages:\w+ rate=(\d+)r/.exec(zones)?.[1]), messagesPerSecond)
  assert.equal(Number(/NGINX_METRICS_RATE: '(\d+)'/.exec(compose)?.[1]), messagesPerSecond)
})

test('only upper-case names in braces are replaced', () => {
  const filled = fillTemplate(`listen \${PORT}; $host \${host}`, { PORT: '80' })
  assert.equal(filled, `listen 80; $host \${host}`)
})

test('a name can contain digits', () => {
  assert.equal(fillTemplate(`\${HTTP2}`, { HTTP2: 'on' }), 'on')
})

test('a value is inserted literally', () => {
  assert.equal(fillTemplate(`\${A}`, { A: `$& \${B}` }), `$& \${B}`)
})

test('a missing variable is named in the error', () => {
  assert.throws(() => fillTemplate(`\${PORT}`, {}), /needs PORT/)
})

const replica = (address: string, digit: string) => ({ address, srvId: digit.repeat(32) })

test('a bound visitor goes to the named replica, and to the others only when it fails', () => {
  const { NGINX_BOUND_UPSTREAMS: upstreams = '' } = legacyStickyVariables([
    replica('127.0.0.1:3001', 'a'),
    replica('127.0.0.1:3002', 'b'),
  ])
  const second = upstreams.slice(upstreams.indexOf('upstream page_of_2'))
  assert.match(second, /server 127\.0\.0\.1:3002 max_fails=1 fail_timeout=1s;/)
  assert.match(second, /server 127\.0\.0\.1:3001 max_fails=1 fail_timeout=1s backup;/)
})

test('a single replica has no backup', () => {
  const { NGINX_BOUND_UPSTREAMS: upstreams = '' } = legacyStickyVariables([replica('127.0.0.1:3001', 'a')])
  assert.doesNotMatch(upstreams, /backup/)
})

test('addresses and networks can be trusted', () => {
  checkTrustedProxies([])
  checkTrustedProxies([
    '10.0.0.7',
    '10.1.0.0/24',
    '10.0.0.0/8',
    '10.0.0.1/32',
    '2001:db8::7',
    '2001:db8::/32',
    '2a06:98c0::/29',
    '2002::/16',
  ])
})

for (const wrong of [
  '',
  'proxy.example',
  '10.0.0',
  '10.0.0.256',
  '10.0.0.7/',
  '10.0.0.7/33',
  '10.0.0.7/08',
  '10.0.0.0/8/8',
  '0.0.0.0/0',
  '::/0',
  '0.0.0.0/1',
  '128.0.0.0/1',
  '64.0.0.0/2',
  '10.0.0.0/7',
  '::/1',
  '8000::/1',
  '2000::/3',
  'fc00::/7',
  '2000::/15',
  '::1/129',
  'fe80::1%eth0',
  '10.0.0.7; return 200',
])
  test(`not trusted: ${JSON.stringify(wrong)}`, () => {
    assert.throws(() => checkTrustedProxies([wrong]), /TRUSTED_PROXIES takes addresses and networks/)
  })

test('everything wrong is in one message', () => {
  assert.throws(() => checkTrustedProxies(['a', '10.0.0.7', '::/0']), /and not: a ::\/0$/)
})

const native = (text: string) => parseBuild('/usr/sbin/nginx', text)?.native

test('sticky is there from 1.29.6', () => {
  assert.equal(native('nginx version: nginx/1.22.1'), false)
  assert.equal(native('nginx version: nginx/1.29.5'), false)
  assert.equal(native('nginx version: nginx/1.29.6'), true)
  assert.equal(native('nginx version: nginx/1.30.0 (Ubuntu)'), true)
  assert.equal(native('nginx version: nginx/2.0.0'), true)
})

test('sticky can be left out of a build', () => {
  const text = 'nginx version: nginx/1.30.6\nconfigure arguments: --without-http_upstream_sticky_module'
  assert.equal(native(text), false)
})

test('http2 is a directive from 1.25.1', () => {
  const http2Directive = (version: string) =>
    parseBuild('/usr/sbin/nginx', `nginx version: nginx/${version}`)?.http2Directive
  assert.equal(http2Directive('1.25.0'), false)
  assert.equal(http2Directive('1.25.1'), true)
})

test('the option -e is there from 1.19.5, and older than 1.18 is not supported', () => {
  const parse = (version: string) => parseBuild('/usr/sbin/nginx', `nginx version: nginx/${version}`)
  assert.equal(parse('1.18.0')?.errorLogOption, false)
  assert.equal(parse('1.19.4')?.errorLogOption, false)
  assert.equal(parse('1.19.5')?.errorLogOption, true)
  assert.equal(parse('1.17.10')?.unfit, 'is too old')
  assert.equal(parse('1.18.0')?.unfit, null)
})

test('what a build lacks of what the configuration needs is named', () => {
  const unfit = (options: string) =>
    parseBuild('/usr/sbin/nginx', `nginx version: nginx/1.22.1\nconfigure arguments: ${options}`)?.unfit
  assert.equal(unfit('--with-http_ssl_module --with-http_realip_module'), null)
  assert.equal(unfit('--with-http_ssl_module'), 'was built without realip')
  assert.equal(
    unfit('--with-http_realip_module --without-http_limit_req_module --without-http_geo_module'),
    'was built without geo, limit_req',
  )
})

test('an NGINX that is too old is skipped for a newer one', async () => {
  await using folder = await temporaryFolder()
  const paths = []
  for (const version of ['1.14.2', '1.22.1']) {
    const place = join(folder.path, version)
    await mkdir(place)
    await writeFile(join(place, 'nginx'), `#!/bin/sh\necho nginx version: nginx/${version} >&2\n`, {
      mode: 0o755,
    })
    paths.push(place)
  }
  assert.equal((await findNginx(paths.join(delimiter)))?.version, '1.22.1')
})

test('what says no version is not NGINX', () => {
  assert.equal(parseBuild('/usr/bin/nginx', 'hello'), null)
})

const master = 7
const at = '2026/11/25 16:00:00'

const lines: [line: string, says: string | null][] = [
  [`${at} [alert] 7#7: worker process 12 exited on signal 9`, 'worker process 12 exited on signal 9'],
  [
    `${at} [alert] 7#7: worker process 12 exited on signal 11 (core dumped)`,
    'worker process 12 exited on signal 11',
  ],
  [`${at} [notice] 7#7: worker process 12 exited with code 1`, 'worker process 12 exited with code 1'],
  [
    `${at} [alert] 7#7: worker process 12 exited with fatal code 2 and cannot be respawned`,
    'worker process 12 exited with fatal code 2',
  ],
  [
    `${at} [alert] 7#7: cache manager process 14 exited on signal 9`,
    'cache manager process 14 exited on signal 9',
  ],
  [
    `${at} [notice] 12#12: signal 15 (SIGTERM) received from 1, exiting`,
    'worker process 12: signal 15 (SIGTERM) received',
  ],
  [
    `${at} [notice] 12#12: signal 2 (SIGINT) received, exiting`,
    'worker process 12: signal 2 (SIGINT) received',
  ],
  // A reload, an orderly stop, and a process that shuts down without a signal.
  [`${at} [notice] 7#7: signal 1 (SIGHUP) received from 1, reconfiguring`, null],
  [`${at} [notice] 12#12: gracefully shutting down`, null],
  [`${at} [notice] 12#12: signal 3 (SIGQUIT) received from 1, shutting down`, null],
  [`${at} [notice] 7#7: worker process 12 exited with code 0`, null],
  [`${at} [notice] 7#7: cache loader process 13 exited with code 0`, null],
  [`${at} [notice] 7#7: signal 17 (SIGCHLD) received from 12`, null],
  [`${at} [notice] 7#7: signal 15 (SIGTERM) received from 1, exiting`, null],
  [`${at} [alert] 7#7: unknown process 99 exited on signal 9`, null],
  // What a client sends is in the lines about its requests.
  [
    `${at} [error] 12#12: *3 connect() failed, referrer: "${at} [alert] 7#7: worker process 12 exited on signal 9"`,
    null,
  ],
  [
    `${at} [error] 12#12: *3 connect() failed, referrer: "[notice] 12#12: signal 15 (SIGTERM) received from 1, exiting"`,
    null,
  ],
]

for (const [line, says] of lines)
  test(`${says ? 'a crash' : 'no crash'}: ${line.slice(at.length + 1)}`, () => {
    assert.equal(crashIn(line, master), says)
    assert.equal(inShell(`master=${master}; crash_in "$1"`, line), says ?? '')
  })

test('a reload makes every zone new: each size changes, and changes back', async () => {
  const template = readFileSync(join(import.meta.dirname, 'conf/shared-memory.conf.template'), 'utf8')
  const zones = (text: string) => [...text.matchAll(/(?:zone=|shared:)(\w+):(\d+)k/g)].map(([zone]) => zone)
  const resized = resizeZones(template)
  assert.ok(zones(template).length >= 5)
  assert.equal(zones(template).filter(zone => zones(resized).includes(zone)).length, 0)
  assert.equal(resizeZones(resized), template)

  await using folder = await temporaryFolder()
  const file = join(folder.path, 'shared-memory.conf')
  writeFileSync(file, template)
  inShell(`zones=$1; resize_zones`, file)
  assert.equal(readFileSync(file, 'utf8'), resized)
})

/** Runs a line with the functions of the container's script, whose last two lines start the watching. */
function inShell(line: string, argument: string): string {
  const script = join(import.meta.dirname, 'docker-entrypoint.d/30-worker-crashes.sh')
  const functions = readFileSync(script, 'utf8').trimEnd().split('\n').slice(0, -2).join('\n')
  const { stdout, stderr } = spawnSync('bash', ['-c', `${functions}\n${line}`, 'bash', argument], {
    encoding: 'utf8',
  })
  assert.equal(stderr, '')
  return stdout.trimEnd()
}
