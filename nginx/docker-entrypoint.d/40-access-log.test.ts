import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { appendFileSync, existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { eventually, temporaryFolder } from '../../tools/lib/testing.ts'

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

for (const wrong of ['0', '-1', 'much', '1G'])
  test(`ACCESS_LOG_MB=${wrong} ends the container`, () => {
    const environment = { ...process.env, NGINX_RUN: '/', NGINX_ACCESS_LOG: '/', ACCESS_LOG_MB: wrong }
    const { status, stderr } = spawnSync('sh', [script], { env: environment, encoding: 'utf8' })
    assert.equal(status, 1)
    assert.match(stderr, /ACCESS_LOG_MB is a number of MB, and not: /)
  })
