import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { Agent } from 'node:http'
import { test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { z } from 'zod'
import { eventually } from '../../tools/lib/testing.ts'
import { type Answer, visitOnce } from '../../tools/lib/visitors.ts'
import { docker } from '../compose/docker.ts'
import { startCluster } from './testing/pods.ts'
import { render } from './testing/render.ts'

// The overlay `demo` with Docker in place of a cluster. It needs the image that compose has built for `web`.
const project = process.env.COMPOSE_PROJECT_NAME
const images = { 'balance-board-web': `${project}-web`, 'balance-board-nginx': `${project}-nginx` }
const url = (account: string) => `mysql://${account}@database/balance_board`
const secrets = {
  'database-owner': { url: url('board'), password: 'owner0password' },
  'database-replica': { url: url('board_replica'), password: 'replica0password' },
  control: { token: 'the-token-of-this-test' },
}

const snapshot = z.looseObject({ servers: z.array(z.unknown()) })
const audit = z.looseObject({ counter: z.number(), consistent: z.boolean() })

/** The answer of an API endpoint, once it is one. */
const readApi = <T>(address: string, schema: z.ZodType<T>) =>
  eventually(async () => {
    const answer = await fetch(address)
    return answer.ok ? schema.parse(await answer.json()) : null
  })

const killWorkers = "kill -9 $(grep -la '^nginx: worker process' /proc/[0-9]*/cmdline | cut -d/ -f3)"

/** Opens a connection for each visit. */
const agent = new Agent()

/** The disk of a busy machine took longer than 1.5 s: the visit was refused with that reason, and not counted. */
const isRefused = ({ code }: Answer) => code === 'counter_unavailable'

/** Visits the board until the visit is counted. */
const visit = (board: string, cookie: string) =>
  eventually(async () => {
    const visited = await visitOnce(board, { agent, cookie })
    return visited.answer.status === 200 && visited
  })

/** Visits the board ten times a second, as a visitor that keeps its cookie. @returns the answers that were not refused */
async function visitUntil(signal: AbortSignal, board: string): Promise<Answer[]> {
  const answers: Answer[] = []
  for (let cookie = ''; !signal.aborted; await pause(100)) {
    const { answer, setCookie } = await visitOnce(board, { agent, cookie })
    if (!isRefused(answer)) answers.push(answer)
    cookie = setCookie || cookie
  }
  return answers
}

test('the demo’s pods serve with all their restrictions: any NGINX honours the cookie, a replica that stops under load loses nothing, and a killed NGINX serves again', async () => {
  await docker(['build', '--quiet', '--tag', images['balance-board-nginx'], 'nginx'])
  await using _image = {
    [Symbol.asyncDispose]: () => docker(['image', 'rm', images['balance-board-nginx']]).then(() => {}),
  }
  const { objects } = await render('demo')
  await using cluster = await startCluster(objects, { images, secrets })
  const create = (kind: string, name: string, count = 1) =>
    Promise.all(Array.from({ length: count }, () => cluster.createPod(kind, name)))

  const [[database], [migration], replicas, fronts] = await Promise.all([
    create('StatefulSet', 'database'),
    create('Job', 'migration'),
    create('Deployment', 'web', 3),
    create('Deployment', 'nginx', 2),
  ])
  assert.ok(database && migration)
  await database.start()
  await database.ready()
  // All together, as in a cluster: the init containers wait for the migration.
  const started = Promise.all([...replicas, ...fronts].map(pod => pod.start()))
  assert.match(await migration.run(), /migrated: /)
  await started
  await Promise.all([...replicas, ...fronts].map(pod => pod.ready()))

  const boards = await Promise.all(fronts.map(pod => pod.urlOf('http')))
  const [board = '', other = ''] = boards
  await eventually(async () => (await readApi(`${board}/api/snapshot`, snapshot)).servers.length === 3)
  const first = await visit(board, '')
  const srvIds = replicas.map(({ ip }) => createHash('md5').update(`${ip}:3000`).digest('hex'))
  assert.equal(first.setCookie, `srv_id=${first.answer.srvId}`)
  assert.ok(srvIds.includes(first.answer.srvId ?? ''))
  const cookie = first.setCookie
  for (const front of [other, board, other])
    assert.equal((await visit(front, cookie)).answer.srvId, first.answer.srvId)

  const until = new AbortController()
  using _load = { [Symbol.dispose]: () => until.abort() }
  const load = Promise.all(
    [...boards, ...boards, ...boards, ...boards].map(each => visitUntil(until.signal, each)),
  )
  assert.equal(await replicas[srvIds.indexOf(first.answer.srvId ?? '')]?.stop(), 0)
  const moved = await visit(other, cookie)
  assert.notEqual(moved.answer.srvId, first.answer.srvId)
  until.abort()
  const answers = (await load).flat()
  assert.ok(answers.length > 100)
  assert.deepEqual(
    answers.filter(({ status }) => status !== 200),
    [],
  )
  const front = fronts[1]
  assert.ok(front)
  await front.crash()
  await front.ready()
  assert.equal((await visit(other, moved.setCookie)).answer.srvId, moved.answer.srvId)
  // The scripts beside NGINX watch the new one.
  await docker(['exec', front.main, 'sh', '-c', killWorkers])
  await eventually(async () => (await front.logs()).includes('reloading with new shared memory'))
  assert.equal(await front.stop(), 0)
  const { consistent, counter } = await readApi(`${board}/api/audit`, audit)
  assert.deepEqual({ consistent, counter }, { consistent: true, counter: answers.length + 6 })
})
