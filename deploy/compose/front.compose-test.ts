// NGINX as configured with Docker: HTTPS, a proxy in front of it, its logs, its health check and its memory.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { copyFile, readFile, writeFile } from 'node:fs/promises'
import { connect as connectHttp2 } from 'node:http2'
import { join } from 'node:path'
import { test } from 'node:test'
import { connect as connectTls, type TLSSocket } from 'node:tls'
import { z } from 'zod'
import { testCertificate } from '../../nginx/testing/client-and-replica.ts'
import { freePorts } from '../../tools/lib/ports.ts'
import { temporaryFolder } from '../../tools/lib/testing.ts'
import { visitMany } from '../../tools/lib/visitors.ts'
import { waitUntil } from '../../tools/lib/wait.ts'
import { compose, containerLog, docker, runningReplicas } from './docker.ts'
import { baseUrl, failuresOf, renewNginx, settle } from './testing/board.ts'

const certificates = `${import.meta.dirname}/../../nginx/testing/certificate`
const pageView = z.looseObject({ client_ip: z.string(), hit: z.number() })

/** Another NGINX over the same replicas, which keeps its access log for itself. */
async function startFront(environment: Record<string, string>, options: string[] = []) {
  const own = { NGINX_ACCESS_LOG: '/tmp/access.log', HTTP_PORT: '127.0.0.1:8080', ...environment }
  const variables = Object.entries(own).flatMap(([name, value]) => ['--env', `${name}=${value}`])
  const ports = ['--publish', '127.0.0.1::80', '--publish', '127.0.0.1::443']
  const id = (
    await compose('run', '--detach', '--no-deps', ...variables, ...ports, ...options, 'nginx')
  ).trim()
  const portOf = async (port: number) => Number((await docker(['port', id, String(port)])).split(':').at(-1))
  const front = {
    id,
    portOf,
    run: (script: string) => docker(['exec', id, 'sh', '-c', script]),
    [Symbol.asyncDispose]: async () => void (await docker(['rm', '--force', id])),
  }
  try {
    await waitUntil('the other NGINX is healthy', 60_000, async () => {
      const health = await docker(['inspect', '--format', '{{.State.Health.Status}}', id])
      return health.trim() === 'healthy'
    })
    return front
  } catch (error) {
    await front[Symbol.asyncDispose]()
    throw error
  }
}

async function certificateFolder() {
  const { path: folder, remove } = await temporaryFolder()
  const use = (name: string) => copyFile(join(certificates, name), join(folder, 'tls.crt'))
  await use('test-only.crt')
  await copyFile(join(certificates, 'test-only.key'), join(folder, 'tls.key'))
  // The container's user is another one.
  await docker([
    'run',
    '--rm',
    '-v',
    `${folder}:/certificates`,
    'nginx:1.30',
    'chmod',
    '755',
    '/certificates',
  ])
  return { folder, use, [Symbol.asyncDispose]: remove }
}

/** What is in the certificate that is served now. */
function fingerprintAt(port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false }, () => {
      const { fingerprint256 } = socket.getPeerCertificate()
      socket.destroy()
      resolve(fingerprint256)
    })
    socket.on('error', reject)
  })
}

function statusOverHttp2(port: number): Promise<{ status: unknown; headers: Record<string, unknown> }> {
  return new Promise((resolve, reject) => {
    const session = connectHttp2(`https://127.0.0.1:${port}`, { rejectUnauthorized: false })
    session.on('error', reject)
    session.request({ ':path': '/' }).on('response', headers => {
      session.destroy()
      resolve({ status: headers[':status'], headers })
    })
  })
}

test('with a certificate NGINX serves HTTP/2, redirects to its own port, and takes a renewed certificate', async () => {
  await settle(3)
  await using folder = await certificateFolder()
  const mount = ['--volume', `${folder.folder}:/etc/nginx/certificates:ro`]
  await using front = await startFront({ HTTPS_PORT: '127.0.0.1:8443' }, mount)
  const port = await front.portOf(443)

  const { status, headers } = await statusOverHttp2(port)
  assert.equal(status, 200)
  assert.match(String(headers['set-cookie']), /srv_id=[0-9a-f]{32};.* secure/)
  // Browsers would apply it to the port of plain HTTP too.
  assert.equal(headers['strict-transport-security'], undefined)
  const plain = await fetch(`http://127.0.0.1:${await front.portOf(80)}/api/log?limit=1`, {
    redirect: 'manual',
  })
  assert.deepEqual(
    [plain.status, plain.headers.get('location')],
    [308, 'https://127.0.0.1:8443/api/log?limit=1'],
  )

  const before = await fingerprintAt(port)
  await folder.use('renewed.crt')
  await docker(['exec', front.id, 'nginx', '-c', '/run/nginx/nginx.conf', '-s', 'reload'])
  await waitUntil(
    'the renewed certificate is served',
    30_000,
    async () => (await fingerprintAt(port)) !== before,
  )
})

test('a proxy that TRUSTED_PROXIES names is believed; another is not, and the log says so', async () => {
  await settle(3)
  const outside = `${process.env.COMPOSE_PROJECT_NAME}_outside`
  const proxy = (
    await docker(['run', '--detach', '--rm', '--network', outside, 'nginx:1.30', 'sleep', '600'])
  ).trim()
  try {
    const networks = '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}'
    const address = (await docker(['inspect', '--format', networks, proxy])).trim()
    await using front = await startFront({ TRUSTED_PROXIES: address })
    const ask = async (of: string) => {
      const headers = ['X-Forwarded-For: 203.0.113.7', 'X-Forwarded-Proto: https', 'Accept: application/json']
      const curl = ['curl', '--noproxy', '*', '-fsSi', ...headers.flatMap(header => ['-H', header]), of]
      const [head = '', body = ''] = (await docker(['exec', proxy, ...curl])).split('\r\n\r\n')
      return { head, visit: pageView.parse(JSON.parse(body)) }
    }
    const frontAddress = (
      await docker([
        'inspect',
        '--format',
        `{{(index .NetworkSettings.Networks "${outside}").IPAddress}}`,
        front.id,
      ])
    ).trim()

    const believed = await ask(`http://${frontAddress}/`)
    assert.equal(believed.visit.client_ip, '203.0.113.7')
    assert.match(believed.head, /set-cookie: srv_id=.* secure/i)

    const ignored = await ask('http://nginx/')
    assert.equal(ignored.visit.client_ip, address)
    assert.doesNotMatch(ignored.head, /set-cookie: srv_id=.* secure/i)
    await waitUntil('the log says so', 30_000, async () => {
      return (await compose('logs', 'nginx')).includes(`X-Forwarded-Proto from ${address} was ignored`)
    })
  } finally {
    await docker(['rm', '--force', proxy])
  }
})

test('accesses are in a separate log, which is bounded and loses no line; errors are in the container’s log', async () => {
  await settle(3)
  await using front = await startFront({ ACCESS_LOG_MB: '1' })
  const url = `http://127.0.0.1:${await front.portOf(80)}/`
  const lines = async () => Number(await front.run(`cat /tmp/access.log* | grep -c '"uri":"/"'`))
  const visits = await visitMany(url, { connections: 4, pageViews: 600 })
  assert.deepEqual(failuresOf(visits), [])
  await waitUntil('there is an older log', 60_000, async () =>
    (await front.run('ls /tmp')).includes('access.log.1'),
  )
  assert.deepEqual(failuresOf(await visitMany(url, { connections: 1, pageViews: 1 })), [])
  await waitUntil('each page view has its line', 30_000, async () => (await lines()) === 601)
  const said = await containerLog(front.id, 10_000)
  assert.doesNotMatch(said, /"uri"/)
  assert.match(said, /docker-entrypoint/)
  // The documented way to read it, where the stack's own is.
  await compose('exec', '-T', 'nginx', 'tail', '-n', '1', '/var/log/balance-board/access.log')
})

test('NGINX asks the name server that the container names, and no later one', async () => {
  await settle(3)
  const outside = `${process.env.COMPOSE_PROJECT_NAME}_outside`
  const inside = `${process.env.COMPOSE_PROJECT_NAME}_inside`
  // Says what it is asked, and passes it on to Docker's own.
  const program = `
    const { createSocket } = require('node:dgram')
    const server = createSocket('udp4').on('message', (query, from) => {
      console.log('asked')
      const relay = createSocket('udp4').on('message', answer => {
        server.send(answer, from.port, from.address)
        relay.close()
      })
      relay.send(query, 53, '127.0.0.11')
    })
    server.bind(53)`
  const ports = ['--sysctl', 'net.ipv4.ip_unprivileged_port_start=0']
  const nameServer = (
    await docker(['create', '--network', outside, ...ports, 'node:26-slim', 'node', '-e', program])
  ).trim()
  await using folder = await temporaryFolder()
  try {
    await docker(['network', 'connect', inside, nameServer])
    await docker(['start', nameServer])
    const address = (
      await docker([
        'inspect',
        '--format',
        `{{(index .NetworkSettings.Networks "${outside}").IPAddress}}`,
        nameServer,
      ])
    ).trim()
    const file = join(folder.path, 'resolv.conf')
    // The second one answers nothing: RFC 5737 keeps its network for documentation.
    await writeFile(file, `nameserver fe80::1%eth0\nnameserver ${address}\nnameserver 192.0.2.1\n`)
    await using front = await startFront({}, ['--volume', `${file}:/etc/resolv.conf:ro`])
    const url = `http://127.0.0.1:${await front.portOf(80)}/`
    assert.deepEqual(failuresOf(await visitMany(url, { connections: 1, pageViews: 3 })), [])
    assert.match(await containerLog(nameServer, 10), /asked/)
    assert.match(
      await front.run('cat /run/nginx/replicas.conf'),
      new RegExp(`^resolver ${RegExp.escape(address)} `, 'm'),
    )
  } finally {
    await docker(['rm', '--force', nameServer])
  }
})

test('NGINX is healthy where a Docker client gives its containers proxies', async () => {
  await settle(3)
  const names = ['HTTP_PROXY', 'HTTPS_PROXY', 'ALL_PROXY', 'http_proxy', 'https_proxy', 'all_proxy']
  // Nothing listens at this port. startFront waits until it is healthy.
  const proxies = Object.fromEntries(names.map(name => [name, 'http://127.0.0.1:9']))
  await using front = await startFront(proxies)
  assert.match(await front.run('env'), /^http_proxy=http:\/\/127\.0\.0\.1:9$/m)
})

const config = z.looseObject({
  services: z.record(
    z.string(),
    z.looseObject({
      build: z.unknown().optional(),
      ports: z.array(z.looseObject({ host_ip: z.string().optional() })).default([]),
    }),
  ),
})

test('without settings the board is published over IPv4 alone, and one service is built', async () => {
  const files = ['-f', 'docker-compose.yml', '-f', 'deploy/compose/https.yml']
  const printed = await docker(['compose', ...files, 'config', '--format', 'json'], {
    environment: { HTTP_PORT: '', HTTPS_PORT: '' },
  })
  const { services } = config.parse(JSON.parse(printed))
  assert.deepEqual(
    services.nginx?.ports.map(({ host_ip }) => host_ip),
    ['0.0.0.0', '0.0.0.0'],
  )
  const built = Object.keys(services).filter(name => services[name]?.build !== undefined)
  assert.deepEqual(built, ['web'])
})

test('what `up --wait` calls ready answers the first page view', async () => {
  await settle(3)
  await compose('down')
  await compose('up', '--detach', '--wait')
  assert.deepEqual(failuresOf(await visitMany(`${baseUrl}/`, { connections: 1, pageViews: 1 })), [])
})

const labVisit = z.object({ server: z.string() })

async function visitLab(query: string): Promise<string> {
  const response = await fetch(`${baseUrl}/lab/visit?${query}`)
  assert.equal(response.status, 200)
  return labVisit.parse(await response.json()).server
}

test('the lab: its policies tell replicas with one name apart, and with its hash few keys move when one comes or goes', async t => {
  await settle(3)
  const keys = Array.from({ length: 200 }, (_, n) => `visitor-${n}`)
  const serversOf = async (policy: string) => {
    const found = new Map<string, string>()
    for (const key of keys) found.set(key, await visitLab(`policy=${policy}&key=${key}`))
    return found
  }
  const names = (found: Map<string, string>) => new Set(found.values())
  /** The server of each key, once the hash has this many servers and each key keeps its server. */
  const settledHash = async (servers: number) => {
    let last = new Map<string, string>()
    await waitUntil(`the hash has ${servers} servers`, 60_000, async () => {
      const before = last
      last = await serversOf('hash')
      return names(last).size === servers && keys.every(key => last.get(key) === before.get(key))
    })
    return last
  }
  const movedBetween = (before: Map<string, string>, after: Map<string, string>) =>
    keys.filter(key => before.get(key) !== after.get(key))

  const three = await settledHash(3)
  const { headers } = await fetch(`${baseUrl}/lab/visit?policy=hash&key=any`)
  assert.equal(headers.get('x-hash'), 'hash consistent')
  assert.equal(names(await serversOf('round_robin')).size, 3)
  assert.equal(names(await serversOf('ip_hash')).size, 1)

  await settle(4)
  const four = await settledHash(4)
  const moved = movedBetween(three, four)
  t.diagnostic(`3 → 4 servers: ${moved.length} of ${keys.length} keys moved`)
  assert.ok(moved.length > 0.1 * keys.length && moved.length < 0.45 * keys.length, `${moved.length} moved`)
  const added = new Set(moved.map(key => four.get(key)))
  assert.equal(added.size, 1, 'a key moved between servers that were there before')

  const [victim] = await runningReplicas()
  await docker(['kill', victim?.id ?? ''])
  const left = await settledHash(3)
  const [gone] = [...names(four)].filter(name => !names(left).has(name))
  assert.ok(gone)
  for (const key of movedBetween(four, left)) assert.equal(four.get(key), gone, key)
  // Once NGINX has resolved the name again: until then this may be the address that is gone.
  await waitUntil('IP hash uses one server', 30_000, async () => names(await serversOf('ip_hash')).size === 1)
  await settle(3)
  await renewNginx()
})

const streams = 2000
/** A stream is one connection to the browser and one to a replica. */
const connections = 2 * streams
const streamsInParallel = 50

test(`${streams} HTTPS dashboards, and by the memory they take all that may connect, fit NGINX's limit`, async t => {
  await settle(3)
  await using secure = await startHttps()
  const before = await readMemory(secure.container)
  const sockets = await openStreams(secure.port)
  const after = await readMemory(secure.container)

  const each = (after.used - before.used) / connections
  const { workers, workerConnections } = await readConfiguration(secure.container)
  const bound = before.used + workers * workerConnections * each
  t.diagnostic(
    `${MB(before.used)} without dashboards, ${MB(after.used)} with ${streams}: ${(each / 1000).toFixed(1)} kB a connection; ` +
      `${workers} workers with ${workerConnections} connections each: ${MB(bound)} of ${MB(after.limit)}`,
  )
  assert.ok(bound < after.limit)
  assert.deepEqual(after.processes, before.processes, 'a worker ended')
  assert.equal(sockets.filter(socket => socket.closed).length, 0)
  for (const socket of sockets) socket.destroy()
})

/** The project's NGINX with HTTPS beside HTTP; at the end as it was. */
async function startHttps() {
  const { value: port } = await freePorts(import.meta.filename).next()
  if (port === undefined) throw new Error('no port is free')
  const folder = await temporaryFolder()
  const file = join(folder.path, 'https.json')
  const certificate = './nginx/testing/certificate/test-only'
  const nginx = {
    ports: [`127.0.0.1:${port}:443`],
    volumes: ['crt', 'key'].map(part => `${certificate}.${part}:/etc/nginx/certificates/tls.${part}:ro`),
  }
  await writeFile(file, JSON.stringify({ services: { nginx } }))
  // Not --no-deps: it is part of the configuration hash, so a later `up -d` would make the container again.
  const start = ['up', '--detach', '--wait', '--wait-timeout', '60', 'nginx']
  const restore = async () => {
    await compose(...start)
    await folder.remove()
  }
  try {
    await compose('-f', 'docker-compose.yml', '-f', file, ...start)
    const container = (await compose('ps', '--quiet', 'nginx')).trim()
    return { port, container, [Symbol.asyncDispose]: restore }
  } catch (error) {
    await restore()
    throw error
  }
}

/** Bytes, of cgroup v2 or else v1, and the ids of all processes there. */
async function readMemory(container: string) {
  const v1 = '/sys/fs/cgroup/memory'
  const command = `cd ${v1} 2>/dev/null && cat memory.usage_in_bytes memory.limit_in_bytes ||
    cat /sys/fs/cgroup/memory.current /sys/fs/cgroup/memory.max
    grep -la '^nginx' /proc/[0-9]*/cmdline`
  const lines = (await docker(['exec', container, 'sh', '-c', command])).trim().split('\n')
  const [used = Number.NaN, limit = Number.NaN] = lines.map(Number)
  return { used, limit, processes: lines.slice(2) }
}

async function readConfiguration(container: string) {
  const text = await docker(['exec', container, 'cat', '/run/nginx/nginx.conf'])
  const read = (name: string) => Number(new RegExp(`${name} (\\d+);`).exec(text)?.[1])
  return { workers: read('worker_processes'), workerConnections: read('worker_connections') }
}

/** Dashboards that have received their first snapshot and go on. */
async function openStreams(port: number): Promise<TLSSocket[]> {
  const ca = await readFile(testCertificate)
  const sockets: TLSSocket[] = []
  async function openMany(): Promise<void> {
    while (sockets.length < streams) {
      const socket = connectTls({ host: '127.0.0.1', port, ca })
      sockets.push(socket)
      await once(socket, 'secureConnect')
      socket.write('GET /api/live HTTP/1.1\r\nHost: localhost\r\nAccept-Encoding: gzip\r\n\r\n')
      await once(socket, 'data')
      socket.resume()
    }
  }
  await Promise.all(Array.from({ length: streamsInParallel }, openMany))
  return sockets
}

const MB = (bytes: number) => `${Math.round(bytes / 1e6)} MB`
