import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { get } from 'node:http'
import { networkInterfaces } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { freePorts } from '../lib/ports.ts'
import { temporaryFolder } from '../lib/testing.ts'
import { launchDevelopment } from './testing/stub-stack.ts'

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
