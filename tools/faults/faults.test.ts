import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { Agent, type RequestListener } from 'node:http'
import { join } from 'node:path'
import { test } from 'node:test'
import { UserError } from '../../web/server/errors.ts'
import { root } from '../launcher/stack/stack-options.ts'
import { startStubServer } from '../lib/testing.ts'
import { brokenBuilds } from './broken-builds.ts'
import { allFaults } from './list/all.ts'
import { databaseDiskFull } from './list/database.ts'
import { nginxWorkerKilled } from './list/nginx.ts'
import { allButOneKilled, clockJumped, replicaFrozen, replicaKilled } from './list/replicas.ts'
import { readOptions } from './run.ts'
import { killedIn, needsSpecialBoard, readComposeLimits, whyNotTried } from './testbed/equipment.ts'
import { combine, randomPairs } from './testbed/fault.ts'
import { makeVisitor, startLoad } from './testbed/load.ts'
import { seededRandom } from './testbed/testbed.ts'

const seed = () => 42
const names = (parameters: string[]) => readOptions(parameters, seed).faults.map(({ name }) => name)

test('without options every fault runs, then pairs of faults, with a random seed', () => {
  const { faults, pairs, seed: chosen, broken } = readOptions([], seed)
  assert.deepEqual([faults, chosen, broken], [allFaults, 42, null])
  assert.ok(pairs > 0)
})

test('named faults run alone, in the given order', () => {
  assert.deepEqual(names(['--only', 'nginx-killed', '--only', 'replica-killed']), [
    'nginx-killed',
    'replica-killed',
  ])
  assert.equal(readOptions(['--only', 'nginx-killed'], seed).pairs, 0)
})

test('a broken build runs against the faults that should detect it', () => {
  assert.deepEqual(names(['--broken', 'blind-retry']), ['replica-frozen-in-batch', 'connection-cut'])
})

test('an unknown name is refused, and the message lists the valid ones', () => {
  assert.throws(
    () => names(['--only', 'x']),
    (error: Error) => error instanceof UserError && error.message.includes('nginx-killed'),
  )
  for (const wrong of [['--seed', '-1'], ['--broken', 'x'], ['--what'], ['x']])
    assert.throws(() => names(wrong), UserError)
})

test('each passage that a broken build replaces occurs exactly once in the sources', () => {
  for (const { file, from } of brokenBuilds.flatMap(({ edits }) => edits)) {
    const passages = readFileSync(join(root, file), 'utf8').split(from).length - 1
    assert.equal(passages, 1, `${file}: ${from}`)
  }
})

const nothing = { replicaClock: null, databaseClock: null, smallDisk: null, memoryLimits: null }
const clock = { variables: {}, jumpTo: () => {} }

test('a fault is not tried if something it needs is missing, and the reason names it', () => {
  assert.equal(whyNotTried(replicaKilled, nothing), null)
  assert.equal(whyNotTried(clockJumped, nothing), 'libfaketime is not installed')
  assert.equal(whyNotTried(clockJumped, { ...nothing, replicaClock: clock }), null)
  assert.equal(
    whyNotTried({ needs: ['replicaClock', 'databaseClock', 'smallDisk'] }, nothing),
    'libfaketime is not installed, and this user may not mount a disk',
  )
})

test('faults that change the whole board run on a separate board', () => {
  assert.deepEqual([replicaKilled, clockJumped, databaseDiskFull].map(needsSpecialBoard), [
    false,
    false,
    true,
  ])
})

const mebibyte = 2 ** 20

test('the memory limits are those of the containers', () => {
  const compose = readFileSync(join(root, 'docker-compose.yml'), 'utf8')
  const { web, nginx } = readComposeLimits(compose)
  assert.ok(web >= 256 * mebibyte && web <= 1024 * mebibyte, `web: ${web}`)
  assert.ok(nginx >= 128 * mebibyte && nginx <= 1024 * mebibyte, `nginx: ${nginx}`)
})

test('a limit with a variable is read as its default, per service', () => {
  const compose = [
    'services:',
    '  web:',
    '    image: web',
    `    mem_limit: \${WEB_MEMORY:-512m}`,
    '',
    '    deploy: {}',
    '  nginx:',
    '    mem_limit: 1g',
    '',
  ].join('\n')
  assert.deepEqual(readComposeLimits(compose), { web: 512 * mebibyte, nginx: 1024 * mebibyte })
  assert.throws(
    () => readComposeLimits('services:\n  web:\n    image: web\n'),
    /sets no memory limit for web/,
  )
})

test('processes killed for memory are counted in both versions of control groups', () => {
  assert.equal(killedIn('oom_kill_disable 0\nunder_oom 0\noom_kill 2\n'), 2)
  assert.equal(killedIn('low 0\nhigh 0\nmax 31\noom 1\noom_kill 1\noom_group_kill 0\n'), 1)
})

test('the same seed gives the same pairs, another seed gives others', () => {
  const titles = (seed: number) => randomPairs(allFaults, 8, seededRandom(seed)).map(({ title }) => title)
  assert.deepEqual(titles(7), titles(7))
  assert.notDeepEqual(titles(7), titles(8))
})

test('a pair has two different faults and allows what either allows', () => {
  for (const { name, allows = [] } of randomPairs(allFaults, 200, seededRandom(1))) {
    const both = name.split('+').map(one => allFaults.find(fault => fault.name === one))
    assert.equal(new Set(both).size, 2)
    const either = both.flatMap(fault => fault?.allows ?? [])
    if (!allows.includes('no-replica')) assert.deepEqual(new Set(allows), new Set(either))
  }
})

test('only a pair that can make every replica unavailable allows a missing replica', () => {
  const random = seededRandom(1)
  assert.deepEqual(combine(allButOneKilled, replicaFrozen, random).allows, ['no-replica', 'unavailable'])
  assert.deepEqual(combine(replicaKilled, replicaFrozen, random).allows, [])
})

test('a pair needs what either fault needs, and makes only the promises of all faults', () => {
  const { needs, check } = combine(clockJumped, nginxWorkerKilled, seededRandom(1))
  assert.deepEqual([needs, check], [['replicaClock'], undefined])
})

async function serve(listener: RequestListener) {
  const server = await startStubServer(listener)
  const agent = new Agent({ keepAlive: true })
  return {
    agent,
    url: `${server.url}/`,
    async [Symbol.asyncDispose]() {
      agent.destroy()
      await server[Symbol.asyncDispose]()
    },
  }
}

test('a visitor that keeps its cookie sends the last one it got, another sends none; each has a unique address', async () => {
  const seen: (string | undefined)[] = []
  await using board = await serve((request, response) => {
    seen.push(`${request.socket.remoteAddress} ${request.headers.cookie}`)
    response.setHeader('Set-Cookie', ['srv_id=dead; path=/', `srv_id=live${seen.length}; path=/`])
    response.end('{}')
  })
  for (const [address, keepsCookie] of [
    ['127.1.0.1', true],
    ['127.1.0.2', false],
  ] as const) {
    const visitor = makeVisitor(board.url, board.agent, address, keepsCookie)
    await visitor.visit('application/json')
    await visitor.visit('application/json')
  }
  assert.deepEqual(seen, [
    '127.1.0.1 undefined',
    '127.1.0.1 srv_id=live1',
    '127.1.0.2 undefined',
    '127.1.0.2 undefined',
  ])
})

test('a request on a reused connection that the server closes is sent again, the first on a connection is not', async () => {
  const used = new WeakSet<object>()
  await using board = await serve(({ socket }, response) => {
    if (used.has(socket)) socket.destroy()
    else response.end('{}')
    used.add(socket)
  })
  const visitor = makeVisitor(board.url, board.agent, '127.1.0.1', false)
  const statuses = async () =>
    (await visitor.visit('application/json')).map(({ status, from }) => `${status} ${from}`)
  assert.deepEqual(await statuses(), ['200 127.1.0.1'])
  assert.deepEqual(await statuses(), ['0 127.1.0.1', '200 127.1.0.1'])
})

test('page views go on while nothing answers, and every started page view is recorded', async () => {
  const waiting: (() => void)[] = []
  const many = Promise.withResolvers<void>()
  await using board = await serve((_request, response) => {
    waiting.push(() => response.end('{}'))
    if (waiting.length === 100) many.resolve()
  })
  const load = startLoad(board.url, 1000)
  await many.promise
  const stopped = load.stop()
  const answering = setInterval(() => {
    for (const answer of waiting.splice(0)) answer()
  }, 5)
  await stopped
  clearInterval(answering)
  assert.ok(load.views.length >= 100)
  assert.deepEqual(new Set(load.views.map(({ status }) => status)), new Set([200]))
})
