// The stack on Docker Swarm, as docs/swarm.md describes it: deploy, scale, update, roll back, remove. The tests run in this order.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Answer, visitMany } from '../../tools/lib/visitors.ts'
import { waitUntil } from '../../tools/lib/wait.ts'
import { docker } from '../compose/docker.ts'
import {
  baseUrl,
  countServersUp,
  failuresOf,
  readAudit,
  readSnapshot,
  reportLoad,
  visitWhile,
} from '../compose/testing/board.ts'
import { deploy, removeStack, stackName, taskContainers } from './testing/stack.ts'

/** ms for several servers to start or stop on a slow machine */
const patienceMs = 180_000

/** ms after which the load of a test ends */
const loadMs = 280_000

/** Visits the board while `work` runs: not so many that a busy machine refuses some. */
const visitDuring = (work: () => Promise<void>) => visitWhile(work, loadMs, 60)

const scale = (servers: number) => docker(['service', 'scale', '--detach', `${stackName}_web=${servers}`])

const runningIds = async (service: 'web' | 'nginx') =>
  (await taskContainers(service))
    .filter(({ running }) => running)
    .map(({ id }) => id)
    .toSorted()

/** Asserts that no page view failed, that its numbers are those after `before` without a gap, and that the audit agrees. */
async function expectCounted(answers: Answer[], before: number): Promise<void> {
  assert.deepEqual(failuresOf(answers), [])
  const { counter, consistent } = await readAudit()
  const numbers = answers.map(({ hit }) => hit ?? 0).toSorted((a, b) => a - b)
  assert.equal(numbers.length, counter - before, 'as many as were counted')
  assert.deepEqual(
    numbers.filter((number, index) => number !== before + 1 + index),
    [],
    'numbers that are missing or were given twice',
  )
  assert.equal(consistent, true)
}

test('visitors reach all three servers, and each keeps the one that its cookie names', async () => {
  await waitUntil('three servers are up', patienceMs, async () => (await countServersUp()) === 3)
  const { counter: before } = await readAudit()
  const newVisits = await visitMany(`${baseUrl}/`, { connections: 6, pageViews: 60 })
  const { servers } = await readSnapshot()
  assert.deepEqual(
    [...new Set(newVisits.map(({ srvId }) => srvId))].toSorted(),
    servers.map(({ srv_id }) => srv_id).toSorted(),
  )
  const visits = await Promise.all(
    Array.from({ length: 9 }, () =>
      visitMany(`${baseUrl}/`, { connections: 1, pageViews: 12, keepCookies: true }),
    ),
  )
  for (const visit of visits) assert.equal(new Set(visit.map(({ srvId }) => srvId)).size, 1)
  await expectCounted([...newVisits, ...visits.flat()], before)
})

test('3 → 6 → 2 servers under load: no page view fails and no number is lost', async t => {
  const { counter: before } = await readAudit()
  const growing = await visitDuring(async () => {
    // One at a time: Swarm starts all new servers together, which takes all of a small machine for some seconds.
    for (const wanted of [4, 5, 6]) {
      await scale(wanted)
      await waitUntil(`${wanted} servers have visitors`, patienceMs, async () => {
        const { servers } = await readSnapshot()
        return servers.filter(({ state, hits }) => state === 'up' && hits > 0).length === wanted
      })
    }
  })
  reportLoad(t, growing.all)
  const shrinking = await visitDuring(async () => {
    await scale(2)
    await waitUntil('two servers are up, and four have stopped', patienceMs, async () => {
      const states = (await readSnapshot()).servers.map(({ state }) => state)
      const upOrNot = states.filter(state => state === 'up' || state === 'stopped')
      return states.filter(state => state === 'up').length === 2 && upOrNot.length === states.length
    })
  })
  reportLoad(t, shrinking.all)
  await expectCounted([...growing.all, ...shrinking.all], before)
})

test('a new version under load: each new server runs before its old one ends, and no page view fails', async t => {
  const { counter: before } = await readAudit()
  const [old, nginx] = [await runningIds('web'), await runningIds('nginx')]
  const visits = await visitDuring(async () => {
    const { status, printed } = await deploy({ IMAGE_REVISION: 'next', REPLICAS: '2' })
    assert.equal(status, 0, printed)
    assert.match(printed, /2\/2 servers run board-swarm-test-web:[0-9a-f]{12}$/m)
    await waitUntil('the old servers have ended', patienceMs, async () => {
      const running = await runningIds('web')
      return running.length === 2 && !running.some(id => old.includes(id))
    })
  })
  reportLoad(t, visits.all)
  await expectCounted(visits.all, before)
  const containers = await taskContainers('web')
  for (const ended of containers.filter(({ id }) => old.includes(id))) {
    const successor = containers.find(({ slot, running }) => running && slot === ended.slot)
    assert.ok(successor && successor.startedAt < ended.finishedAt, JSON.stringify({ ended, successor }))
  }
  assert.deepEqual(await runningIds('nginx'), nginx, 'a new version of the servers restarted NGINX')
})

test('a version that cannot start: Swarm goes back by itself, and no page view fails', async t => {
  const { counter: before } = await readAudit()
  const good = await runningIds('web')
  const visits = await visitDuring(async () => {
    const { status, printed } = await deploy({
      IMAGE_REVISION: 'next',
      LOG_RETENTION_DAYS: 'soon',
      REPLICAS: '2',
    })
    assert.equal(status, 1, printed)
    assert.match(printed, /not all servers run .* \(rollback_completed, 2\/2 run\)/)
    assert.match(printed, /non-zero exit \(1\)/)
  })
  reportLoad(t, visits.all)
  await expectCounted(visits.all, before)
  assert.deepEqual(await runningIds('web'), good)
  // The good version again, after the bad one.
  const { status, printed } = await deploy({ IMAGE_REVISION: 'next', REPLICAS: '2' })
  assert.equal(status, 0, printed)
  assert.deepEqual(await runningIds('web'), good)
})

test('another node for the database is refused while it runs: it would start empty there', async () => {
  const { status, printed } = await deploy({ DATABASE_NODE: 'no-such-node' })
  assert.equal(status, 1)
  assert.match(printed, /^balance-board: the database is on \S+: on no-such-node it would start empty/)
})

test('the removed stack leaves nothing in the engine', async () => {
  await removeStack()
  const unused = await docker(['service', 'ls', '--filter', `name=${stackName}`, '--quiet'])
  assert.equal(unused, '')
})
