import assert from 'node:assert/strict'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { cpSync, existsSync, readFileSync, rmSync, statSync } from 'node:fs'
import { createServer } from 'node:http'
import { networkInterfaces } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { parseEnvironment } from '../../../web/server/config.ts'
import { UserError } from '../../../web/server/errors.ts'
import { srvIdOf } from '../../../web/server/identity.ts'
import { freePorts } from '../../lib/ports.ts'
import { alive, listGroup } from '../../lib/processes.ts'
import { eventually, temporaryFolder } from '../../lib/testing.ts'
import { pidsOf, startStubStack, stubReplica } from '../testing/stub-stack.ts'
import { readStackFile, writeAtomically } from './data-dir.ts'
import { openProcessRecord } from './workspace.ts'

const timeout = 120_000

test('stack.json says what runs, and only its owner can read it', { timeout }, async () => {
  await using folder = await temporaryFolder()
  await using stack = await startStubStack({ dataDir: folder.path })
  const path = join(folder.path, 'stack.json')
  const file = readStackFile(path)

  assert.deepEqual(file, stack.file())
  assert.equal(statSync(path).mode & 0o777, 0o600)
  assert.equal(file?.url, stack.url)
  assert.deepEqual(
    file?.replicas.map(({ name }) => name),
    ['web-1', 'web-2'],
  )
  for (const { address, srv_id } of file?.replicas ?? []) assert.equal(srv_id, srvIdOf(address))
  // A replica knows its own account of the database alone.
  for (const { pid } of process.platform === 'linux' ? (file?.replicas ?? []) : []) {
    const environment = readFileSync(`/proc/${pid}/environ`, 'utf8')
    assert.match(environment, /DATABASE_URL=mysql:\/\/board_replica:/)
    assert.ok(!environment.includes(new URL(stack.databaseUrl).password))
    assert.ok(!environment.includes(stack.adminToken))
  }
  assert.deepEqual(alive(pidsOf(stack.file())), pidsOf(stack.file()))
})

test('prometheus-targets.json lists the replicas and exporters while the stack runs; NGINX serves its numbers', {
  timeout,
}, async () => {
  await using folder = await temporaryFolder()
  await using stack = await startStubStack({ dataDir: folder.path })
  const path = join(folder.path, 'prometheus-targets.json')
  const { replicas, monitoring } = stack.file()
  assert.ok(monitoring)
  assert.deepEqual(JSON.parse(readFileSync(path, 'utf8')), [
    { targets: replicas.map(({ address }) => address), labels: { job: 'web' } },
    { targets: [monitoring.nginx_log_exporter], labels: { job: 'nginx' } },
    { targets: [monitoring.nginx_status_exporter], labels: { job: 'nginx_status' } },
  ])
  assert.match(await (await fetch(monitoring.nginx_status)).text(), /^Active connections: /)
  await stack.stop()
  assert.ok(!existsSync(path))
})

test('NGINX answers only when it reaches every replica', { timeout }, async () => {
  await using folder = await temporaryFolder()
  await using stack = await startStubStack({ dataDir: folder.path, replicas: 3 })
  const answered = new Set<string>()
  for (let visitor = 0; visitor < 3; visitor++) answered.add(await (await fetch(stack.url)).text())
  assert.equal(answered.size, 3)
})

test('a folder can have any name, and :: means every address of this machine', { timeout }, async () => {
  await using folder = await temporaryFolder()
  const dataDir = join(folder.path, `it's a "board" [a] *? {b} $HOME \\ für; 100 %`)
  await using stack = await startStubStack({ dataDir, host: '::' })
  const { port } = new URL(stack.url)
  for (const host of ['127.0.0.1', '[::1]', 'localhost'])
    assert.equal((await fetch(`http://${host}:${port}`)).status, 200, host)
})

test('the board is at each address that this machine has, by name too', { timeout }, async () => {
  const addresses = Object.values(networkInterfaces()).flatMap(found => found ?? [])
  const lan = addresses.find(({ internal, family }) => !internal && family === 'IPv4')?.address
  for (const host of ['localhost', '0.0.0.0', '::1', ...(lan ? [lan] : [])]) {
    await using folder = await temporaryFolder()
    await using stack = await startStubStack({ dataDir: folder.path, host, replicas: 1 })
    assert.equal((await fetch(stack.url)).status, 200, host)
  }
})

test('a trusted proxy can give the visitor’s address, another proxy cannot', { timeout }, async () => {
  await using folder = await temporaryFolder()
  const clientOf = async (url: string) => {
    const answer = await fetch(url, { headers: { 'X-Forwarded-For': '203.0.113.7' } })
    return JSON.parse(await answer.text()).client_ip
  }
  {
    await using stack = await startStubStack({ dataDir: folder.path, trustedProxies: ['127.0.0.1'] })
    assert.equal(await clientOf(stack.url), '203.0.113.7')
  }
  await using stack = await startStubStack({ dataDir: folder.path, trustedProxies: ['127.0.0.2'] })
  assert.equal(await clientOf(stack.url), '127.0.0.1')
})

test('a service that is killed is started again at the same address', { timeout }, async () => {
  await using folder = await temporaryFolder()
  await using stack = await startStubStack({ dataDir: folder.path })
  const before = stack.file()
  for (const pid of pidsOf(before)) process.kill(pid, 'SIGKILL')

  const path = join(folder.path, 'stack.json')
  const after = await eventually(() => {
    const file = readStackFile(path)
    return file && pidsOf(file).every(pid => !pidsOf(before).includes(pid)) && file
  })
  assert.deepEqual(alive(pidsOf(after)), pidsOf(after))
  assert.equal(after.databaseUrl, before.databaseUrl)
  assert.deepEqual(
    after.replicas.map(r => r.address),
    before.replicas.map(r => r.address),
  )
  assert.equal((await fetch(stack.url)).status, 200)
  for (const service of ['nginx', 'database', 'web-1', 'web-2']) {
    assert.equal(
      stack.said.filter(line => new RegExp(`^${service}: ended .* started again$`).test(line)).length,
      1,
      service,
    )
  }
})

test('NGINX sends its messages to an exporter that starts later, also after NGINX was started again', {
  timeout,
}, async () => {
  await using folder = await temporaryFolder()
  await using stack = await startStubStack({ dataDir: folder.path })
  const { monitoring, nginx } = stack.file()
  const port = Number(monitoring?.nginx_log_exporter.split(':').at(-1))
  let received = 0
  const messages = createSocket('udp4', () => received++).bind(port, '127.0.0.1')
  await once(messages, 'listening')
  const exporter = createServer((_request, response) => response.end('ok')).listen(port, '127.0.0.1')
  await once(exporter, 'listening')
  try {
    const visitsAreReported = (before: number) => async () => {
      assert.equal((await fetch(stack.url)).status, 200)
      return received > before
    }
    await eventually(visitsAreReported(0))
    process.kill(nginx.pid, 'SIGKILL')
    await eventually(() => stack.file().nginx.pid !== nginx.pid)
    await eventually(visitsAreReported(received))
  } finally {
    messages.close()
    exporter.close()
    exporter.closeAllConnections()
  }
})

test('a replica is started again from the build of its stack, after the build was removed for another', {
  timeout,
}, async () => {
  await using folder = await temporaryFolder()
  const build = join(folder.path, 'build')
  cpSync(join(import.meta.dirname, '..', 'testing'), join(build, 'web'), { recursive: true })
  const stub = stubReplica()
  const program = { ...stub, arguments: ['stub-replica.ts'], build, cwd: join(build, 'web') }
  await using stack = await startStubStack({ dataDir: join(folder.path, 'data'), replica: program })
  rmSync(build, { recursive: true })
  const [replica] = stack.file().replicas
  process.kill(replica?.pid ?? 0, 'SIGKILL')
  const again = await eventually(() =>
    stack.file().replicas.find(({ name, pid }) => name === replica?.name && pid !== replica.pid),
  )
  assert.deepEqual(alive([again.pid]), [again.pid])
  assert.ok(!stack.said.some(line => line.includes('does not start')), stack.said.join('\n'))
})

test('neither a file of the password nor another database reaches a replica from the environment', {
  timeout,
}, async () => {
  await using folder = await temporaryFolder()
  const stub = stubReplica()
  const environment = {
    ...stub.environment,
    DATABASE_PASSWORD_FILE: '/etc/hostname',
    DATABASE_URL: 'mysql://a@b/c',
  }
  await using stack = await startStubStack({
    dataDir: folder.path,
    replica: { ...stub, environment },
    replicas: 1,
  })
  if (process.platform !== 'linux') return
  const [replica] = stack.file().replicas
  const variables = readFileSync(`/proc/${replica?.pid}/environ`, 'utf8').split('\0')
  const { databaseUrl } = parseEnvironment(Object.fromEntries(variables.map(line => line.split(/=(.*)/s, 2))))
  assert.ok(variables.includes(`DATABASE_URL=${databaseUrl}`), 'the password is replaced')
  assert.match(databaseUrl, /^mysql:\/\/board_replica:[0-9a-f]{32}@127/)
})

test('a replica and an NGINX that hang are killed and started again', { timeout }, async () => {
  await using folder = await temporaryFolder()
  await using stack = await startStubStack({ dataDir: folder.path, hungAfterMs: 8000 })
  const before = stack.file()
  const [frozen, well] = before.replicas
  // With its workers: they are in its group.
  process.kill(-before.nginx.pid, 'SIGSTOP')
  process.kill(frozen?.pid ?? 0, 'SIGSTOP')

  const path = join(folder.path, 'stack.json')
  const after = await eventually(() => {
    const file = readStackFile(path)
    return file && file.nginx.pid !== before.nginx.pid && file.replicas[0]?.pid !== frozen?.pid && file
  })
  assert.deepEqual(alive([frozen?.pid ?? 0, before.nginx.pid]), [])
  assert.deepEqual([after.replicas[1], after.database], [well, before.database])
  assert.equal((await fetch(stack.url)).status, 200)
  for (const service of ['nginx', 'web-1'])
    assert.ok(
      stack.said.includes(`${service}: ended (SIGKILL after 8 s without an answer) and was started again`),
    )
})

test('page views recover when NGINX workers are killed with all places taken, under the same master', {
  timeout,
}, async () => {
  await using folder = await temporaryFolder()
  await using stack = await startStubStack({ dataDir: folder.path, replicas: 3 })
  const { nginx, replicas } = stack.file()
  for (let time = 0; time < 2; time++) {
    for (const { pid } of replicas) process.kill(pid, 'SIGSTOP')
    const held = await visitUntilOverloaded(stack.url)
    for (const worker of listGroup(nginx.pid))
      if (worker.pid !== nginx.pid) process.kill(worker.pid, 'SIGKILL')
    for (const { pid } of replicas) process.kill(pid, 'SIGCONT')
    await Promise.all(held)
    await eventually(async () => (await fetch(stack.url).catch(() => null))?.ok)
  }
  await eventually(() =>
    stack.said.some(line => /^nginx: .*signal 9: reloading with new shared memory$/.test(line)),
  )
  await eventually(async () => {
    const answered = new Set<string>()
    for (let visitor = 0; visitor < 3; visitor++) answered.add(await (await fetch(stack.url)).text())
    return answered.size === 3
  })
  assert.equal(readStackFile(join(folder.path, 'stack.json'))?.nginx.pid, nginx.pid)
})

test('it stops NGINX, then the replicas, then the database, and leaves nothing running', {
  timeout,
}, async () => {
  await using folder = await temporaryFolder()
  const { value: port } = await freePorts(`${folder.path}/nginx`).next()
  const stack = await startStubStack({
    dataDir: folder.path,
    port,
    replica: stubReplica({ nginxPort: port }),
  })
  const pids = pidsOf(stack.file())
  await Promise.all([stack.stop(), stack.stop()]) // asked twice

  for (const name of ['web-1', 'web-2']) {
    const log = readFileSync(join(folder.path, 'logs', `${name}.log`), 'utf8')
    assert.deepEqual(JSON.parse(log), { database: true, nginx: false })
  }
  assert.deepEqual(alive(pids), [])
  assert.equal(readStackFile(join(folder.path, 'stack.json')), null)
})

test('a second start on the same folder is refused only while the first one runs', {
  timeout,
}, async () => {
  await using folder = await temporaryFolder()
  await using first = await startStubStack({ dataDir: folder.path })
  await assert.rejects(startStubStack({ dataDir: folder.path }), error => {
    assert.ok(error instanceof UserError)
    assert.match(error.message, new RegExp(`already running on ${folder.path} \\(process ${process.pid}\\)`))
    return true
  })
  assert.equal((await fetch(first.url)).status, 200)
  await first.stop()
  await using second = await startStubStack({ dataDir: folder.path })
  assert.equal((await fetch(second.url)).status, 200)
})

test('a port in use is reported before anything is started', { timeout }, async () => {
  await using folder = await temporaryFolder()
  await using other = createServer().listen(0, '127.0.0.1')
  await once(other, 'listening')
  const address = other.address()
  const port = typeof address === 'object' && address ? address.port : 0
  const said: string[] = []
  const report = (service: string) => said.push(service)
  await assert.rejects(startStubStack({ dataDir: folder.path, port, report }), {
    name: 'UserError',
    message: `port ${port} of 127.0.0.1 is in use: stop the program that uses it, or set HTTP_PORT to another port`,
  })
  assert.deepEqual(said, [])
})

test('a replica that does not start ends the whole start, with what its log says', { timeout }, async () => {
  await using folder = await temporaryFolder()
  const start = startStubStack({ dataDir: folder.path, replica: stubReplica({ fault: 'web-2' }) })
  await assert.rejects(start, {
    name: 'UserError',
    message: /^web-2 ended at its start \(exit status 3\): .*web-2\.log says\n {4}a fault for a test$/,
  })
  await using again = await startStubStack({ dataDir: folder.path })
  assert.deepEqual(
    again.said.filter(line => line.startsWith('cleanup')),
    [],
    'something was left running',
  )
})

test('an aborted start stops everything that it has started', { timeout }, async () => {
  await using folder = await temporaryFolder()
  const abort = new AbortController()
  const report = (service: string) => service === 'database' && abort.abort()
  await assert.rejects(startStubStack({ dataDir: folder.path, report, signal: abort.signal }), {
    name: 'AbortError',
  })
  await using again = await startStubStack({ dataDir: folder.path })
  assert.deepEqual(
    again.said.filter(line => line.startsWith('cleanup')),
    [],
    'something was left running',
  )
})

test('a process that only has the id of a recorded one is left alone', { timeout }, async () => {
  await using folder = await temporaryFolder()
  const path = join(folder.path, 'processes.json')
  openProcessRecord(path, error => assert.ifError(error)).add('web-1', process.pid)
  writeAtomically(
    path,
    readFileSync(path, 'utf8').replace(/"started": "[^"]+"/, '"started": "another boot/1"'),
  )
  await using stack = await startStubStack({ dataDir: folder.path })
  assert.equal((await fetch(stack.url)).status, 200)
})

/** What a page view is answered; '' if it got no answer. */
/** Opens page views until all places are taken. A busy machine opens them slowly, and each holds its place for seconds only. */
async function visitUntilOverloaded(url: string): Promise<Promise<void>[]> {
  const held: Promise<void>[] = []
  let overloaded = false
  const open = async () => {
    if ((await visit(url)).includes('overloaded')) overloaded = true
  }
  await eventually(() => {
    if (overloaded) return true
    for (let more = 0; more < 100; more++) held.push(open())
    return false
  })
  return held
}

async function visit(url: string): Promise<string> {
  return fetch(url, { headers: { Accept: 'application/json' } }).then(
    answer => answer.text(),
    () => '',
  )
}
