import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { eventually, temporaryFolder } from '../tools/lib/testing.ts'
import { findNginx } from './find-nginx.ts'
import { sendRequest } from './testing/client-and-replica.ts'
import { type Board, startBoard } from './testing/run-nginx.ts'

// In a container docker-entrypoint.d/60-lab-hash.sh gives the lab's hash the addresses of a name. Here a program in place of `getent`
// says which addresses the name has. NGINX and the script are real.

const timeout = 120_000
const script = join(import.meta.dirname, 'docker-entrypoint.d/60-lab-hash.sh')
const keys = Array.from({ length: 200 }, (_, n) => `visitor-${n}`)

/** Servers at 127.0.0.2, 127.0.0.3, …, all with one port, as replicas have it. Each answers its address. */
async function startServers(count: number) {
  await using started = new AsyncDisposableStack()
  const addresses = Array.from({ length: count }, (_, n) => `127.0.0.${n + 2}`)
  let port = 0
  for (const address of addresses) {
    const server = createServer((_request, response) => response.end(address))
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    server.once('error', reject).listen(port, address, resolve)
    await promise
    started.defer(() => {
      server.closeAllConnections()
      server.close()
    })
    const bound = server.address()
    if (bound !== null && typeof bound === 'object') port = bound.port
  }
  const servers = started.move()
  return { addresses, port, [Symbol.asyncDispose]: () => servers.disposeAsync() }
}

/** Runs the script beside the board's NGINX. What it leaves in the background ends with NGINX. */
async function follow(
  { nginx }: Board,
  replicas: string,
  first: string[] = [],
  family = 'ipv6=off',
  goneSeconds = 0,
) {
  const { path, remove } = await temporaryFolder()
  const lookLog = join(path, 'looks')
  /** What the name has. `otherwise`: in every second look */
  const name = (addresses: string[], otherwise = addresses) => {
    for (const [parity, ips] of [addresses, otherwise].entries()) {
      const lines = ips.flatMap(ip => ['STREAM', 'DGRAM', 'RAW'].map(socket => `${ip} ${socket} web\n`))
      writeFileSync(join(path, `names-${parity}`), lines.join(''))
    }
  }
  name(first)
  writeFileSync(lookLog, '')
  const getent = `#!/bin/bash\ncd '${path}' && echo >>looks && cat names-$(($(wc -l <looks) % 2))\n`
  writeFileSync(join(path, 'getent'), getent, { mode: 0o755 })
  const directory = dirname(nginx.files.configFile)
  const env = {
    ...process.env,
    PATH: `${path}:${process.env.PATH}`,
    NGINX_RUN: '.',
    NGINX_ENVSUBST_TEMPLATE_DIR: join(import.meta.dirname, 'conf'),
    NGINX_REPLICAS: replicas,
    NGINX_RESOLVER_FAMILY: family,
    LAB_HASH_LOOK_SECONDS: '0.2',
    LAB_HASH_PAUSE_SECONDS: '0',
    LAB_HASH_GONE_SECONDS: String(goneSeconds),
  }
  execFileSync(script, { cwd: directory, env, stdio: 'ignore' })
  const looks = () => readFileSync(lookLog, 'utf8').length
  return {
    name,
    looks,
    /** Waits until the script has looked six times more. */
    async lookAgain() {
      const before = looks()
      await eventually(() => looks() >= before + 6, { ms: 30_000 })
    },
    config: () => readFileSync(join(directory, 'lab-hash.conf'), 'utf8'),
    [Symbol.asyncDispose]: remove,
  }
}

type Visit = { server: string; hash: unknown }

async function visit({ port }: Board, key: string): Promise<Visit> {
  const { status, body, headers } = await sendRequest(port, `/lab/visit?policy=hash&key=${key}`)
  assert.equal(status, 200)
  return { server: body, hash: headers['x-hash'] }
}

/** The server of each key, once exactly these servers have keys, and twice the same ones: old workers may answer at first. */
async function serversOfKeys(board: Board, expected: string[]): Promise<Map<string, string>> {
  let before = new Map<string, string>()
  return eventually(
    async () => {
      const found = new Map<string, string>()
      for (const key of keys) found.set(key, (await visit(board, key)).server)
      const used = [...new Set(found.values())].toSorted()
      const isSettled = keys.every(key => found.get(key) === before.get(key))
      before = found
      return isSettled && used.join() === expected.toSorted().join() ? found : null
    },
    { ms: 60_000, everyMs: 200 },
  )
}

test('a name’s addresses are hashed consistently: a new one takes a quarter of the keys, and only an old one’s keys move', {
  timeout,
}, async () => {
  await using servers = await startServers(4)
  const [first = '', ...others] = servers.addresses
  await using board = await startBoard('legacy')
  await using followed = await follow(
    board,
    `server web:${servers.port} resolve max_fails=1 fail_timeout=1s;`,
  )
  await followed.lookAgain()
  assert.match(followed.config(), /hash \$arg_key;\s+server web:/, 'without an address the hash is plain')
  followed.name(servers.addresses.slice(0, 2))
  await eventually(() => followed.config().includes('arg_key consistent'), { ms: 30_000 })
  // While nobody uses the lab, scaling costs no reload.
  const unused = followed.config()
  followed.name(servers.addresses.slice(0, 3))
  await followed.lookAgain()
  assert.equal(followed.config(), unused)
  const three = await serversOfKeys(board, servers.addresses.slice(0, 3))
  assert.equal((await visit(board, 'any')).hash, 'hash consistent')

  // A look that fails, or that alone shows something else, changes nothing.
  const config = followed.config()
  followed.name(servers.addresses.slice(0, 3), [])
  await followed.lookAgain()
  followed.name(servers.addresses, servers.addresses.slice(0, 2))
  await followed.lookAgain()
  followed.name([])
  await followed.lookAgain()
  assert.equal(followed.config(), config)

  followed.name(servers.addresses.toReversed())
  const four = await serversOfKeys(board, servers.addresses)
  const moved = keys.filter(key => four.get(key) !== three.get(key))
  assert.ok(moved.length > 0.1 * keys.length && moved.length < 0.45 * keys.length, `${moved.length} moved`)
  assert.deepEqual(new Set(moved.map(key => four.get(key))), new Set(servers.addresses.slice(3)))

  followed.name(others)
  const rest = await serversOfKeys(board, others)
  for (const key of keys) if (four.get(key) !== first) assert.equal(rest.get(key), four.get(key), key)
})

test('a server that is gone for a while costs no reload, and leaves when another comes', {
  timeout,
}, async () => {
  await using servers = await startServers(4)
  const [first = '', second = '', third = '', fourth = ''] = servers.addresses
  await using board = await startBoard('legacy')
  const replicas = `server web:${servers.port} resolve max_fails=1 fail_timeout=1s;`
  await using followed = await follow(board, replicas, [], 'ipv6=off', 3600)
  const hasWhileUsed = (address: string) =>
    eventually(
      async () => {
        await visit(board, 'any')
        return followed.config().includes(`server ${address}:`)
      },
      { ms: 60_000, everyMs: 200 },
    )
  followed.name([first, second])
  await hasWhileUsed(second)
  followed.name([first, second, third])
  await hasWhileUsed(third)
  const config = followed.config()
  followed.name([first, third])
  await followed.lookAgain()
  assert.equal(followed.config(), config)
  followed.name([first, third, fourth])
  await hasWhileUsed(fourth)
  assert.ok(!followed.config().includes(`server ${second}:`), followed.config())
})

const many = Array.from({ length: 50 }, (_, n) => `10.0.0.${n + 1}`)

for (const [what, addresses, expected, family] of [
  ['one address', ['10.0.0.1'], ['10.0.0.1']],
  ['fifty', many.toReversed(), many],
  ['IPv6', ['fd00::2', 'fd00::1', 'fe80::1%eth0'], ['[fd00::1]', '[fd00::2]']],
  ['both families', ['fd00::1', '10.0.0.1'], ['10.0.0.1']],
  ['both families, of which NGINX uses IPv6', ['fd00::1', '10.0.0.1'], ['[fd00::1]'], 'ipv4=off'],
  ['what is no address', ['10.0.0.1;return', '10.0.0.2'], ['10.0.0.2']],
] as const)
  test(`a name with ${what} is written as NGINX reads it`, { timeout }, async () => {
    await using board = await startBoard('legacy')
    const replicas = 'server web.example:3000 max_fails=1 resolve fail_timeout=1s;'
    await using followed = await follow(board, replicas, [...addresses], family)
    const written = [...followed.config().matchAll(/^ *(server .*)$/gm)].map(([, line]) => line)
    const lines = expected.map(address => `server ${address}:3000 max_fails=1 fail_timeout=1s;`)
    assert.deepEqual(written, lines.toSorted())
    assert.match(followed.config(), /hash \$arg_key consistent;/)
    const program = await findNginx()
    assert.ok(program)
    const cwd = dirname(board.nginx.files.configFile)
    execFileSync(program.path, ['-t', '-q', '-p', '.', '-c', 'nginx.conf'], { cwd, stdio: 'pipe' })
  })

test('servers that are given by address are not looked up', { timeout }, async () => {
  await using board = await startBoard('legacy')
  const before = readFileSync(join(dirname(board.nginx.files.configFile), 'lab-hash.conf'), 'utf8')
  for (const replicas of ['server 10.0.0.1:3000;', 'server a:1 resolve; server b:1 resolve;', '']) {
    await using followed = await follow(board, replicas, ['10.0.0.9'])
    assert.deepEqual([followed.looks(), followed.config()], [0, before], replicas)
  }
})
