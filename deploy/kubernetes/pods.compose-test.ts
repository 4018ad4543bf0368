import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { Agent } from 'node:http'
import { test } from 'node:test'
import { eventually } from '../../tools/lib/testing.ts'
import { visitMany, visitOnce } from '../../tools/lib/visitors.ts'
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

test('the demo’s pods serve with all their restrictions: any NGINX honours the cookie, a replica and an NGINX that stop lose nothing', async () => {
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
  await eventually(async () => {
    const { servers } = await (await fetch(`${board}/api/snapshot`)).json()
    return servers.length === 3
  })
  const agent = new Agent()
  const first = await visitOnce(board, { agent, cookie: '' })
  const srvIds = replicas.map(({ ip }) => createHash('md5').update(`${ip}:3000`).digest('hex'))
  assert.equal(first.setCookie, `srv_id=${first.answer.srvId}`)
  assert.ok(srvIds.includes(first.answer.srvId ?? ''))
  const cookie = first.setCookie
  for (const front of [other, board, other])
    assert.equal((await visitOnce(front, { agent, cookie })).answer.srvId, first.answer.srvId)

  const until = new AbortController()
  const load = Promise.all(
    boards.map(each =>
      visitMany(each, { connections: 4, perSecond: 40, keepCookies: true, until: until.signal }),
    ),
  )
  assert.equal(await replicas[srvIds.indexOf(first.answer.srvId ?? '')]?.stop(), 0)
  const moved = await eventually(async () => {
    const { answer } = await visitOnce(other, { agent, cookie })
    return answer.status === 200 && answer
  })
  assert.notEqual(moved.srvId, first.answer.srvId)
  until.abort()
  const answers = (await load).flat()
  assert.ok(answers.length > 100)
  assert.deepEqual(
    answers.filter(({ status }) => status !== 200),
    [],
  )
  assert.equal(await fronts[1]?.stop(), 0)
  const audit = await eventually(async () => {
    const answer = await fetch(`${board}/api/audit`)
    return answer.ok && answer.json()
  })
  assert.equal(audit.consistent, true)
  assert.equal(audit.counter, answers.length + 5)
})
