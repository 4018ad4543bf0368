import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import {
  appendFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { eventually, startStubServer, temporaryFolder } from '../../tools/lib/testing.ts'
import { trustedProxyVariables } from '../tls-and-proxies.ts'

const hook = join(import.meta.dirname, '16-tls-and-proxies.envsh')
const root = mkdtempSync(join(tmpdir(), 'balance-board-hook-'))
after(() => rmSync(root, { recursive: true }))

test('without certificates it is plain HTTP, whether their folder is there or not', () => {
  assert.equal(source({ NGINX_CERTIFICATES: folder() }).set.NGINX_TRANSPORT, 'plain')
  assert.equal(source({ NGINX_CERTIFICATES: join(root, 'none') }).set.NGINX_TRANSPORT, 'plain')
})

test('with both files it is HTTPS', () => {
  const certificates = folder('tls.crt', 'tls.key')
  const { set } = source({ NGINX_CERTIFICATES: certificates })
  assert.equal(set.NGINX_TRANSPORT, 'tls')
  assert.equal(set.NGINX_CERTIFICATE, join(certificates, 'tls.crt'))
  assert.equal(set.NGINX_CERTIFICATE_KEY, join(certificates, 'tls.key'))
  assert.equal(set.NGINX_HTTPS_PORT_SUFFIX, '')
  assert.equal(set.NGINX_LISTEN_TLS, '443 ssl')
})

test('HTTPS listens at another port if the container’s user may not use 443', () => {
  const { set } = source({ NGINX_CERTIFICATES: folder('tls.crt', 'tls.key'), NGINX_LISTEN_TLS: '8443 ssl' })
  assert.equal(set.NGINX_LISTEN_TLS, '8443 ssl')
  assert.equal(set.NGINX_HTTPS_PORT_SUFFIX, '')
})

for (const [there, missing] of [
  ['tls.crt', 'tls.key'],
  ['tls.key', 'tls.crt'],
] as const)
  test(`${there} alone ends the container`, () => {
    const { status, said } = source({ NGINX_CERTIFICATES: folder(there) })
    assert.equal(status, 1)
    assert.match(said, new RegExp(`${there} has no ${missing} beside it: HTTPS needs both`))
  })

test('a link that leads nowhere in the container ends it', () => {
  const certificates = folder('tls.crt')
  symlinkSync('../elsewhere/privkey.pem', join(certificates, 'tls.key'))
  const { status, said } = source({ NGINX_CERTIFICATES: certificates })
  assert.equal(status, 1)
  assert.match(said, /tls\.key is no file that user \d+ can read/)
})

for (const [port, suffix] of [
  ['', ''],
  ['443', ''],
  ['8443', ':8443'],
  ['127.0.0.1:8443', ':8443'],
] as const)
  test(`HTTPS_PORT=${port}: visitors are sent to https://host${suffix}`, () => {
    assert.equal(source({ HTTPS_PORT: port }).set.NGINX_HTTPS_PORT_SUFFIX, suffix)
  })

for (const [http, https, promised] of [
  ['', '', true],
  ['0.0.0.0:80', '0.0.0.0:443', true],
  ['[::]:80', '443', true],
  ['8080', '', false],
  ['', '8443', false],
  ['127.0.0.1:8080', '127.0.0.1:8443', false],
] as const)
  test(`HTTP_PORT=${http} and HTTPS_PORT=${https}: HSTS is ${promised ? 'on' : 'off'}`, () => {
    const { set } = source({ HTTP_PORT: http, HTTPS_PORT: https })
    assert.equal(set.NGINX_STRICT_TRANSPORT, promised ? 'max-age=31536000' : '')
  })

for (const [port, notice] of [
  [
    '8080',
    /^balance-board: \w+=8080 names no address, so it is published over IPv6 too: visitors over IPv6/m,
  ],
  [':8080', /=:8080 names no address/],
  ['[::]:8080', /=\[::\]:8080 is published over IPv6: .* For IPv4 alone, set \w+=0\.0\.0\.0:8080$/m],
  ['[2001:db8::1]:8080', /is published over IPv6/],
  ['', null],
  ['0.0.0.0:8080', null],
  ['127.0.0.1:8080', null],
] as const)
  for (const name of ['HTTP_PORT', 'HTTPS_PORT'])
    test(`${name}=${port}: ${notice ? 'the log says that visitors over IPv6 have no limits' : 'IPv4 alone, no notice'}`, () => {
      const secure = { NGINX_CERTIFICATES: folder('tls.crt', 'tls.key'), NGINX_ENTRYPOINT_QUIET_LOGS: '' }
      const said = source({ ...secure, [name]: port }).printed
      if (notice) assert.match(said, notice)
      else assert.doesNotMatch(said, /IPv6/)
      assert.equal(said.includes(`${name}=${port} `), notice !== null)
    })

test('an HTTPS_PORT that nothing is published at is not looked at', () => {
  const say = { NGINX_ENTRYPOINT_QUIET_LOGS: '' }
  assert.doesNotMatch(source({ ...say, HTTPS_PORT: '8443' }).printed, /HTTPS_PORT=8443/)
})

for (const [trusted, gateway, port, refused] of [
  ['172.30.238.1', '172.30.238.1', '', true],
  ['172.30.238.1', '172.30.238.1', '8080', true],
  ['172.30.238.1', '172.30.238.1', '0.0.0.0:8080', true],
  ['172.30.238.1', '172.30.238.1', '[::]:8080', true],
  ['172.30.238.1', '172.30.238.1', '192.0.2.1:8080', true],
  ['10.0.0.7, 172.30.238.0/24', '172.30.238.1', '8080', true],
  ['172.16.0.0/12', '172.30.238.1', '8080', true],
  ['172.30.238.1/32', '172.30.238.1', '8080', true],
  ['fd12:3456:789a::1', 'fd12:3456:789a::1', '8080', true],
  ['172.30.238.1', '172.30.238.1', '127.0.0.1:8080', false],
  ['172.30.238.1', '172.30.238.1', '[::1]:8080', false],
  ['172.30.238.1', '172.30.238.1', '::1:8080', false],
  ['10.0.0.7,172.30.239.0/24,10.0.0.0/8,fd12:3456:789a::/48', '172.30.238.1', '8080', false],
  ['172.30.238.1', '', '8080', false],
  ['', '172.30.238.1', '8080', false],
] as const)
  test(`TRUSTED_PROXIES=${trusted}, the gateway is ${gateway || 'unknown'}, HTTP_PORT=${port}: ${refused ? 'refused' : 'taken'}`, () => {
    const { status, said } = source({ TRUSTED_PROXIES: trusted, OUTSIDE_GATEWAY: gateway, HTTP_PORT: port })
    assert.equal(status, refused ? 1 : 0, said)
    if (refused) assert.match(said, /^balance-board: HTTP_PORT=.* anybody could give any address/)
  })

test('with a trusted gateway and a certificate HTTPS must be published on this machine alone too', () => {
  const proxied = {
    TRUSTED_PROXIES: '172.30.238.1',
    OUTSIDE_GATEWAY: '172.30.238.1',
    HTTP_PORT: '127.0.0.1:80',
  }
  const secure = { ...proxied, NGINX_CERTIFICATES: folder('tls.crt', 'tls.key') }
  for (const port of ['', '8443', '0.0.0.0:8443'])
    assert.match(source({ ...secure, HTTPS_PORT: port }).said, /^balance-board: HTTPS_PORT=.* publishes/)
  assert.equal(source({ ...secure, HTTPS_PORT: '127.0.0.1:8443' }).status, 0)
  assert.equal(source(proxied).status, 0)
})

test('an HTTPS_PORT that is none ends the container', () => {
  const { status, said } = source({ HTTPS_PORT: 'https' })
  assert.equal(status, 1)
  assert.match(said, /HTTPS_PORT is a port, and not: https/)
})

for (const [name, most] of [
  ['STICKY_SECONDS', 86_400],
  ['NGINX_WORKERS', 64],
] as const)
  test(`${name} is a whole number, as for npm start; anything else ends the container`, () => {
    for (const taken of ['', '1', `${most}`]) assert.equal(source({ [name]: taken }).status, 0, taken)
    const wrong = ['0', '-1', '007', '5m', '1e3', '1.5', ' 30', '30 ', 'auto', `${most + 1}`, '9'.repeat(30)]
    for (const value of wrong) {
      const { status, said } = source({ [name]: value })
      assert.equal(status, 1, value)
      assert.equal(said, `balance-board: ${name} is a whole number from 1 to ${most}, and not: ${value}\n`)
    }
  })

for (const empty of ['', ' ', ',', ' , \n'])
  test(`TRUSTED_PROXIES=${JSON.stringify(empty)} trusts no proxy`, () => {
    assert.equal(source({ TRUSTED_PROXIES: empty }).set.NGINX_CLIENT, 'direct')
  })

for (const text of ['10.0.0.7,10.1.0.0/24,2001:db8::/32', ' 10.0.0.7  10.1.0.0/24,\n 2001:db8::/32, '])
  test(`TRUSTED_PROXIES=${JSON.stringify(text)} trusts the three`, () => {
    const { set } = source({ TRUSTED_PROXIES: text })
    const expected = trustedProxyVariables(['10.0.0.7', '10.1.0.0/24', '2001:db8::/32'])
    assert.equal(set.NGINX_CLIENT, 'proxied')
    for (const [name, value] of Object.entries(expected)) assert.equal(set[name], value)
  })

test('everything wrong with TRUSTED_PROXIES is in one message, and the container exits', () => {
  const wrong = [
    'proxy.example',
    '10.0.0',
    '10.0.0.256',
    '10.0.0.7/33',
    '0.0.0.0/0',
    '::/0',
    '0.0.0.0/1',
    '128.0.0.0/1',
    '10.0.0.0/7',
    '::/1',
    '2000::/3',
    '2000::/15',
    '*',
    '10.0.0.7;',
  ]
  const { status, said } = source({ TRUSTED_PROXIES: `10.0.0.7,${wrong.join(',')}` })
  assert.equal(status, 1)
  assert.ok(said.trimEnd().endsWith(`and not: ${wrong.join(' ')}`), said)
})

test('PUBLIC_HOST is where plain HTTP leads', () => {
  assert.equal(source({}).set.NGINX_REDIRECT_HOST, '$host')
  assert.equal(source({ PUBLIC_HOST: 'board.example' }).set.NGINX_REDIRECT_HOST, 'board.example')
  for (const wrong of ['board.example/x', 'a b', '$host', 'a;b', '-a', 'a.']) {
    const { status, said } = source({ PUBLIC_HOST: wrong })
    assert.equal(status, 1)
    assert.match(said, /PUBLIC_HOST is the name of a host, and not: /)
  }
})

for (const [servers, chosen] of [
  ['127.0.0.11', '127.0.0.11'],
  ['10.89.0.1 192.168.1.1', '10.89.0.1'],
  ['[fd00::1] 10.89.0.1', '[fd00::1]'],
  ['[fe80::1%eth0] 10.89.0.1', '10.89.0.1'],
  ['fd00::1 10.89.0.1', '[fd00::1]'],
  ['fe80::1%eth0 10.96.0.10:1053', '10.96.0.10:1053'],
  ['[fd00::1]:1053', '[fd00::1]:1053'],
] as const)
  test(`of the name servers ${servers} NGINX uses ${chosen}`, () => {
    assert.equal(source({ NGINX_LOCAL_RESOLVERS: servers }).set.NGINX_RESOLVER, chosen)
  })

for (const servers of ['', '[fe80::1%eth0]'])
  test(`no name server that NGINX can ask ends the container: "${servers}"`, () => {
    const { status, said } = source({ NGINX_LOCAL_RESOLVERS: servers })
    assert.equal(status, 1)
    assert.match(said, /NGINX_LOCAL_RESOLVERS names none that NGINX can ask/)
  })

for (const [host, server] of [
  ['', 'web:3000'],
  ['replicas', 'replicas:3000'],
  ['tasks.board_web:4000', 'tasks.board_web:4000'],
  ['web.board.svc.cluster.local', 'web.board.svc.cluster.local:3000'],
] as const)
  test(`REPLICAS_HOST=${host}: the replicas are at ${server}, also for the last try`, () => {
    const { set } = source({ REPLICAS_HOST: host })
    assert.equal(set.NGINX_REPLICAS, `server ${server} resolve max_fails=1 fail_timeout=1s;`)
    assert.equal(set.NGINX_LAST_TRY_REPLICAS, `server ${server} resolve max_fails=0;`)
    assert.equal(set.NGINX_RESOLVER_FAMILY, 'ipv6=off')
  })

for (const host of [':3000', 'web:', 'web:http', 'a b', 'web;return', '$host', '[fd00::1]:3000', '-web', '.'])
  test(`REPLICAS_HOST=${host} ends the container`, () => {
    const { status, said } = source({ REPLICAS_HOST: host })
    assert.equal(status, 1)
    assert.match(said, /^balance-board: REPLICAS_HOST is NAME or NAME:PORT, and not: /)
  })

test('what an NGINX that was killed has left is removed before the scripts beside the next one look for it', () => {
  const run = folder('page-views.sock', 'nginx.pid', 'asset')
  assert.equal(source({ NGINX_RUN: run, NGINX_PAGE_SOCKET: join(run, 'page-views.sock') }).status, 0)
  assert.deepEqual(readdirSync(run), ['asset'])
})

test('REPLICAS_IP says which addresses of the replicas count', () => {
  assert.equal(source({ REPLICAS_IP: '6' }).set.NGINX_RESOLVER_FAMILY, 'ipv4=off')
  assert.equal(source({ REPLICAS_IP: '' }).set.NGINX_RESOLVER_FAMILY, 'ipv6=off')
  const { status, said } = source({ REPLICAS_IP: 'both' })
  assert.equal(status, 1)
  assert.match(said, /REPLICAS_IP is 4 or 6, and not: both/)
})

let folders = 0
function folder(...files: string[]): string {
  const made = mkdtempSync(join(root, `${++folders}-`))
  for (const file of files) writeFileSync(join(made, file), '')
  return made
}

/** As the image's entrypoint does: sourced by sh, which stops at the first error. */
function source(variables: Record<string, string>) {
  const quiet = { NGINX_ENTRYPOINT_QUIET_LOGS: '1' }
  const unset = {
    NGINX_CERTIFICATES: join(root, 'none'),
    NGINX_RUN: root,
    NGINX_PAGE_SOCKET: join(root, 'page-views.sock'),
    NGINX_LOCAL_RESOLVERS: '127.0.0.11',
    HTTP_PORT: '',
    HTTPS_PORT: '',
    OUTSIDE_GATEWAY: '',
    TRUSTED_PROXIES: '',
    REPLICAS_HOST: '',
    REPLICAS_IP: '',
    STICKY_SECONDS: '',
    NGINX_WORKERS: '',
    NGINX_LISTEN_TLS: '',
  }
  const { status, stdout, stderr } = spawnSync(
    'sh',
    ['-c', 'set -e; . "$1"; exec "$2" -p "JSON.stringify(process.env)"', 'sh', hook, process.execPath],
    { encoding: 'utf8', env: { ...process.env, ...quiet, ...unset, ...variables } },
  )
  // The last line; above it is what the hook says.
  const set: Record<string, string> = status === 0 ? JSON.parse(stdout.trim().split('\n').at(-1) ?? '') : {}
  return { status, said: stderr, printed: stdout, set }
}

const script = join(import.meta.dirname, '40-access-log.sh')

/** The script beside something that, as NGINX does, makes its log again when it gets SIGUSR1. */
async function startBeside(megabytes: string) {
  const { path: folder, remove: removeFolder } = await temporaryFolder()
  const log = join(folder, 'access.log')
  writeFileSync(log, '')
  const reopens = `trap ': >>"$0"' USR1; while :; do sleep 0.1; done`
  const server = spawn('sh', ['-c', reopens, log], { stdio: 'ignore' })
  writeFileSync(join(folder, 'nginx.pid'), `${server.pid}\n`)
  const environment = {
    ...process.env,
    NGINX_RUN: folder,
    NGINX_ACCESS_LOG: log,
    ACCESS_LOG_MB: megabytes,
    ACCESS_LOG_LOOK_SECONDS: '0.05',
  }
  const beside = spawn('sh', [script], {
    env: environment,
    stdio: ['ignore', 'ignore', 'pipe'],
    detached: true,
  })
  let said = ''
  beside.stderr.setEncoding('utf8').on('data', text => (said += text))
  return {
    log,
    ignored: join(folder, 'ignored-forwarded.log'),
    said: () => said,
    [Symbol.asyncDispose]: async () => {
      if (beside.pid) process.kill(-beside.pid, 'SIGKILL') // what it left in the background, too
      const ended = once(server, 'exit')
      server.kill('SIGKILL')
      await ended
      await removeFolder()
    },
  }
}

test('the access log keeps seven older parts, and no line is lost on the way', {
  timeout: 120_000,
}, async () => {
  await using beside = await startBeside('1')
  const part = 'x'.repeat(131_071)
  for (let n = 1; n <= 9; n++) {
    appendFileSync(beside.log, `${n}${part}`)
    await eventually(() => existsSync(beside.log) && statSync(beside.log).size === 0)
  }
  const begins = (older: number) => readFileSync(`${beside.log}.${older}`, 'utf8')[0]
  assert.deepEqual([1, 2, 3, 4, 5, 6, 7].map(begins), ['9', '8', '7', '6', '5', '4', '3'])
  assert.ok(!existsSync(`${beside.log}.8`))
})

test('headers of a proxy that is not trusted are noticed, once for many', { timeout: 60_000 }, async () => {
  await using beside = await startBeside('512')
  const empty = () => existsSync(beside.ignored) && statSync(beside.ignored).size === 0
  for (const address of ['172.30.238.1', '172.30.238.2']) {
    appendFileSync(beside.ignored, `${address}\n`.repeat(100))
    await eventually(empty)
  }
  assert.match(beside.said(), /from 172\.30\.238\.1 was ignored, because TRUSTED_PROXIES does not name/)
  assert.equal(beside.said().split('\n').length, 2)
})

test('the exporter of NGINX’s log has ended when its name is unknown twice in a row, and not when one look-up fails', {
  timeout: 60_000,
}, async () => {
  await using folder = await temporaryFolder()
  const inFolder = (name: string) => join(folder.path, name)
  await using exporter = await startStubServer((_request, response) => response.end('ok\n'))
  // Look-ups 3, 6 and 7 fail. Each notes what NGINX sends until then.
  const getent = `#!/bin/bash
    cd '${folder.path}'
    echo "$(<metrics-log.conf)" >>looks
    case $(wc -l <looks) in 3 | 6 | 7) exit 2 ;; esac
    echo '127.0.0.1 STREAM exporter'`
  writeFileSync(inFolder('getent'), getent, { mode: 0o755 })
  writeFileSync(inFolder('metrics-log.conf'), '')
  const ignoresReloads = `trap '' HUP; echo $$ >"$0"; while :; do sleep 0.1; done`
  const nginx = spawn('sh', ['-c', ignoresReloads, inFolder('nginx.pid')], { stdio: 'ignore' })
  const beside = spawn('bash', [join(import.meta.dirname, '50-metrics-log.sh')], {
    env: {
      ...process.env,
      PATH: `${folder.path}:${process.env.PATH}`,
      NGINX_RUN: folder.path,
      NGINX_METRICS_EXPORTER: `exporter:${exporter.port}`,
      METRICS_LOG_LOOK_SECONDS: '0.05',
    },
    stdio: 'ignore',
    detached: true,
  })
  try {
    const looks = await eventually(() => {
      const lines = existsSync(inFolder('looks')) ? readFileSync(inFolder('looks'), 'utf8').split('\n') : []
      return lines.length > 8 && lines.slice(0, 8)
    })
    const sends = `access_log syslog:server=127.0.0.1:${exporter.port},nohostname metrics if=$message_weight;`
    assert.deepEqual(looks, ['', ...Array(6).fill(sends), ''])
  } finally {
    if (beside.pid) process.kill(-beside.pid, 'SIGKILL') // what it left in the background, too
    const ended = once(nginx, 'exit')
    nginx.kill('SIGKILL')
    await ended
  }
})

for (const wrong of ['0', '-1', 'much', '1G'])
  test(`ACCESS_LOG_MB=${wrong} ends the container`, () => {
    const environment = { ...process.env, NGINX_RUN: '/', NGINX_ACCESS_LOG: '/', ACCESS_LOG_MB: wrong }
    const { status, stderr } = spawnSync('sh', [script], { env: environment, encoding: 'utf8' })
    assert.equal(status, 1)
    assert.match(stderr, /ACCESS_LOG_MB is a number of MB, and not: /)
  })
