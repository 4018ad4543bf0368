import assert from 'node:assert/strict'
import { execFile, execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { get } from 'node:http'
import { networkInterfaces } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { freePorts } from '../lib/ports.ts'
import { alive } from '../lib/processes.ts'
import { eventually, temporaryFolder } from '../lib/testing.ts'
import { launch, launchDevelopment, pidsOf, startStubStack } from './testing/stub-stack.ts'

const timeout = 120_000

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'] as const) {
  test(`${signal} stops the stack in order, also if it is sent repeatedly`, { timeout }, async () => {
    await using folder = await temporaryFolder()
    const { pid, file, exited, output } = await launch(folder.path)
    process.kill(pid, signal)
    await eventually(() => output().includes('stopping in order'))
    for (let more = 0; more < 3; more++) process.kill(pid, signal)
    assert.deepEqual(await exited, [0, null], output())
    assert.deepEqual(alive(pidsOf(file)), [])
    assert.match(output(), /Balance Board: http:.*\nstop .*\nstop +all processes have stopped\n$/s)
  })
}

test('SIGUSR1 and SIGUSR2 neither end the stack nor open a debugger', { timeout }, async () => {
  await using folder = await temporaryFolder()
  const { pid, file, exited, output } = await launch(folder.path)
  for (const signal of ['SIGUSR1', 'SIGUSR2'] as const) process.kill(pid, signal)
  assert.equal((await fetch(file.url)).status, 200)
  process.kill(pid, 'SIGTERM')
  assert.deepEqual(await exited, [0, null], output())
  assert.doesNotMatch(output(), /debugger/i)
})

test('the next start ends the processes that a killed launcher left', { timeout }, async () => {
  await using folder = await temporaryFolder()
  const { pid, file, exited } = await launch(folder.path)
  process.kill(pid, 'SIGKILL')
  await exited
  assert.deepEqual(alive(pidsOf(file)), pidsOf(file))

  await using stack = await startStubStack({ dataDir: folder.path })
  assert.deepEqual(alive(pidsOf(file)), [])
  assert.match(
    stack.said[0] ?? '',
    /^cleanup: ended processes of an earlier start: nginx, web-\d, web-\d, database$/,
  )
  assert.deepEqual(
    stack.file().replicas.map(r => r.address),
    file.replicas.map(r => r.address),
  )
})

test('the next start also ends the workers of an NGINX that was killed with its launcher', {
  timeout,
}, async () => {
  await using folder = await temporaryFolder()
  const { pid, file, exited } = await launch(folder.path)
  process.kill(pid, 'SIGKILL')
  await exited
  process.kill(file.nginx.pid, 'SIGKILL')
  await eventually(() => alive([file.nginx.pid]).length === 0)
  assert.equal((await fetch(file.url)).status, 200, 'the workers have ended by themselves')

  await using stack = await startStubStack({ dataDir: folder.path })
  assert.match(stack.said[0] ?? '', /nginx/)
  await assert.rejects(fetch(stack.url === file.url ? 'http://127.0.0.1:1' : file.url))
})

test('without a running stack `npm run migrate` starts the database of DATA_DIR and stops it again', {
  timeout,
}, async () => {
  await using folder = await temporaryFolder()
  const { DATABASE_URL: _, ...env } = process.env
  const run = async (...words: string[]) => {
    const program = join(import.meta.dirname, 'migrate.ts')
    const done = await promisify(execFile)(process.execPath, [program, ...words], {
      env: { ...env, DATA_DIR: folder.path },
    }).catch((failed: { stdout: string; stderr: string }) => failed)
    return `${done.stdout}${done.stderr}`
  }
  assert.match(await run(), /^migrated: 20261122000000_first, /)
  assert.equal(await run(), 'the database is up to date\n')
  assert.match(await run('--applied', '20261122000000_first'), /did not fail: it is applied; none has/)
})

// Linux has all of 127.0.0.0/8, other systems have one address of it.
const host = process.platform === 'linux' ? '127.0.0.2' : '127.0.0.1'

/** Whether a page of `origin` may open the socket of hot reload. Next answers a no with a word that is no HTTP. */
function mayHotReload(url: string, origin: string): Promise<boolean> {
  const headers = {
    Origin: origin,
    Connection: 'Upgrade',
    Upgrade: 'websocket',
    'Sec-WebSocket-Version': '13',
    'Sec-WebSocket-Key': randomBytes(16).toString('base64'),
  }
  const { promise, resolve } = Promise.withResolvers<boolean>()
  get(`${url}/_next/hmr?id=test`, { agent: false, headers }, () => resolve(false))
    .on('error', () => resolve(false))
    .on('upgrade', (_, socket) => {
      socket.destroy()
      resolve(true)
    })
  return promise
}

test('npm run dev serves the page from the sources, counts it, and reloads it where HTTP_PORT says', {
  timeout: 300_000,
}, async () => {
  await using folder = await temporaryFolder()
  const { value: port } = await freePorts(`${folder.path}/nginx`).next()
  const { pid, file, exited, output } = await launchDevelopment(folder.path, `${host}:${port}`)
  try {
    assert.equal(file.url, `http://${host}:${port}`)
    const answer = await fetch(file.url, { headers: { accept: 'text/html' } })
    assert.equal(answer.status, 200, output())
    assert.match(await answer.text(), /<html/)
    assert.ok(Number(answer.headers.get('x-hit')) >= 1)
    assert.ok(await mayHotReload(file.url, file.url), output())
    assert.ok(!(await mayHotReload(file.url, 'http://elsewhere.example')))
  } finally {
    process.kill(pid, 'SIGTERM')
    assert.deepEqual(await exited, [0, null], output())
  }
})

test('hot reload is for the board’s own hosts: of a board on every address all that this machine has', () => {
  const module = JSON.stringify(import.meta.resolve('../../next.config.ts'))
  const script = `console.log(JSON.stringify((await import(${module})).default.allowedDevOrigins))`
  const hostsFor = (HTTP_HOST: string): unknown =>
    JSON.parse(
      execFileSync(process.execPath, ['--input-type=module', '-e', script], {
        env: { ...process.env, HTTP_HOST },
        cwd: join(import.meta.dirname, '../..'),
        encoding: 'utf8',
      }),
    )
  assert.deepEqual(hostsFor(''), ['127.0.0.1', '127.0.0.1'])
  assert.deepEqual(hostsFor('192.168.1.5'), ['127.0.0.1', '192.168.1.5'])
  assert.deepEqual(hostsFor('fe80::1'), ['127.0.0.1', '[fe80::1]'])
  for (const every of ['0.0.0.0', '::']) {
    const hosts = hostsFor(every)
    assert.ok(Array.isArray(hosts))
    for (const { address, family } of Object.values(networkInterfaces()).flatMap(found => found ?? []))
      assert.ok(hosts.includes(family === 'IPv6' ? `[${address}]` : address), address)
  }
})
