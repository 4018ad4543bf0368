import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Answer } from '../../tools/lib/visitors.ts'
import { compose, docker } from './docker.ts'
import { isHealthy, replicaContainers, runningReplicas } from './replica-containers.ts'
import {
  expectTold,
  failuresOf,
  readSnapshot,
  reportLoad,
  roll,
  settle,
  visitWhile,
} from './testing/board.ts'

async function idsOfReplicas(): Promise<string[]> {
  return (await runningReplicas()).map(({ id }) => id).toSorted()
}

/** The servers that one visitor's page views reached, each time that it was another. */
function serversInTurn(visits: Answer[]): (string | null)[] {
  const servers = visits.filter(({ status }) => status === 200).map(({ srvId }) => srvId)
  return servers.filter((srvId, index) => srvId !== servers[index - 1])
}

/** That only so many replicas are there, none of them stopped, all healthy and of one and the same version. */
async function expectReplicas(count: number, stickySeconds: string): Promise<void> {
  const replicas = await replicaContainers()
  assert.deepEqual(
    replicas.map(replica => isHealthy(replica)),
    Array(count).fill(true),
  )
  for (const { id } of replicas) {
    const environment = await docker(['inspect', '--format', '{{json .Config.Env}}', id])
    assert.ok(environment.includes(`"STICKY_SECONDS=${stickySeconds}"`), environment)
  }
}

test('rolling under load replaces every replica, moves each visitor once and fails no page view', async t => {
  await settle(3)
  const old = await idsOfReplicas()
  const { counter: before } = await readSnapshot()
  const version = { STICKY_SECONDS: '301' }
  const visits = await visitWhile(async () => {
    // Another life of the cookie makes another version of the replicas.
    const { status, printed } = await roll(version)
    assert.equal(status, 0, printed)
    assert.match(printed, /done: 3 replicas of the newest version serve/)
    // NGINX has no part in a roll: so the board and the cookie say two things, which must be told.
    assert.match(printed, /NGINX .* former settings: STICKY_SECONDS is 300 and not 301/)
  })
  reportLoad(t, visits.all)
  assert.deepEqual(failuresOf(visits.all), [])
  await expectTold(visits.all, before)
  for (const regular of visits.regulars) {
    const servers = serversInTurn(regular)
    assert.ok(servers.length <= 2, `a visitor was moved twice: ${servers}`)
  }
  const now = await idsOfReplicas()
  assert.equal(now.length, 3)
  assert.deepEqual(
    now.filter(id => old.includes(id)),
    [],
  )
  // Not NGINX, which has no part in a roll and would follow now.
  await docker(['compose', 'up', '--detach', 'web'], { environment: version })
  assert.deepEqual(await idsOfReplicas(), now, 'up -d after a roll replaced replicas')
})

test('a version that cannot start leaves the old replicas as they were, and says why', async () => {
  await settle(3)
  const old = await idsOfReplicas()
  const { status, printed } = await roll({ STICKY_SECONDS: 'soon' })
  assert.equal(status, 1)
  assert.match(printed, /STICKY_SECONDS/)
  assert.match(printed, /serve on/)
  assert.deepEqual(await idsOfReplicas(), old)
})

test('rolls that are killed at each of their steps, then one to its end: as many as before, and no page view fails', async t => {
  await settle(3)
  const visits = await visitWhile(async () => {
    for (const step of ['migrating', 'starting', 'waiting', 'draining', 'stopping', 'removing']) {
      const { status, printed } = await roll({ STICKY_SECONDS: '302' }, (soFar, kill) => {
        if (soFar.includes(`roll: ${step} `)) kill()
      })
      assert.equal(status, null, `it ended before ${step}: ${printed}`)
    }
    const { status, printed } = await roll({ STICKY_SECONDS: '302' })
    assert.equal(status, 0, printed)
    assert.match(printed, /done: 3 replicas of the newest version serve/)
  })
  reportLoad(t, visits.all)
  assert.deepEqual(failuresOf(visits.all), [])
  await expectReplicas(3, '302')
})

test('two rolls at the same time: one waits for the other, and there are as many as before', async t => {
  await settle(3)
  const visits = await visitWhile(async () => {
    const rolls = await Promise.all([roll({ STICKY_SECONDS: '303' }), roll({ STICKY_SECONDS: '303' })])
    for (const { status, printed } of rolls) {
      assert.equal(status, 0, printed)
      assert.match(printed, /done: 3 replicas of the newest version serve/)
    }
    const waited = rolls.filter(({ printed }) => printed.includes('another roll is under way'))
    assert.equal(waited.length, 1)
    // What the first had just started was of the newest version: nobody is moved once more.
    assert.doesNotMatch(waited[0]?.printed ?? '', /starting|stopping/)
  })
  reportLoad(t, visits.all)
  assert.deepEqual(failuresOf(visits.all), [])
  await expectReplicas(3, '303')
})

test('a replica that was stopped does not come back as one of the new version, and scaling meanwhile counts', async t => {
  await settle(3)
  const [stopped] = await runningReplicas()
  await docker(['stop', stopped?.id ?? ''])
  const visits = await visitWhile(async () => {
    let scaling: Promise<string> | undefined
    const { status, printed } = await roll({ STICKY_SECONDS: '304' }, soFar => {
      if (soFar.includes('roll: waiting '))
        scaling ??= compose('up', '--detach', '--no-recreate', '--scale', 'web=4')
    })
    await scaling
    assert.equal(status, 0, printed)
    assert.match(printed, /another command has scaled to 4/)
    assert.match(printed, /done: 4 replicas of the newest version serve/)
  })
  reportLoad(t, visits.all)
  assert.deepEqual(failuresOf(visits.all), [])
  await expectReplicas(4, '304')
})
