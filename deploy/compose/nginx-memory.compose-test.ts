import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { connect, type TLSSocket } from 'node:tls'
import { testCertificate } from '../../nginx/testing/request.ts'
import { freePorts } from '../../tools/lib/ports.ts'
import { temporaryFolder } from '../../tools/lib/testing.ts'
import { compose, docker } from './docker.ts'
import { settle } from './testing/board.ts'

const streams = 2000
/** A stream is one connection to the browser and one to a replica. */
const connections = 2 * streams
const atOnce = 50

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
      const socket = connect({ host: '127.0.0.1', port, ca })
      sockets.push(socket)
      await once(socket, 'secureConnect')
      socket.write('GET /api/live HTTP/1.1\r\nHost: localhost\r\nAccept-Encoding: gzip\r\n\r\n')
      await once(socket, 'data')
      socket.resume()
    }
  }
  await Promise.all(Array.from({ length: atOnce }, openMany))
  return sockets
}

const MB = (bytes: number) => `${Math.round(bytes / 1e6)} MB`
