import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compose, docker } from './docker.ts'
import { runningReplicas } from './replica-containers.ts'
import { expectTold, failuresOf, readSnapshot, settle } from './testing/board.ts'
import { reportLoad } from './testing/report.ts'
import { visitWhile } from './testing/visit-while.ts'
import { waitUntil } from './wait-until.ts'

/**
 * Ends a container as a crash does: all that runs in it gets SIGKILL. `docker kill` would be a manual stop, after which
 * nothing is started again. The shell that sends it is spared by kill(2), and init follows its child.
 */
function crash(container: string): Promise<string> {
  return docker(['exec', container, 'sh', '-c', 'kill -9 -1']).catch(() => '')
}

async function restartsOf(container: string): Promise<number> {
  return Number(await docker(['inspect', '--format', '{{.RestartCount}}', container]))
}

/** Stops all that runs in a container, as `crash` ends it. A health check starts later, and runs. */
function freeze(container: string): Promise<string> {
  return docker(['exec', container, 'sh', '-c', 'kill -STOP -1'])
}

/** Breaks it, and waits until it is back and well. */
async function breakAndWait(container: string, how: (container: string) => Promise<unknown>): Promise<void> {
  const restarts = await restartsOf(container)
  await how(container)
  await waitUntil(
    `${container} was started again`,
    90_000,
    async () => (await restartsOf(container)) > restarts,
  )
  await waitUntil(`${container} is healthy`, 120_000, async () => {
    const health = await docker(['inspect', '--format', '{{.State.Health.Status}}', container])
    return health.trim() === 'healthy'
  })
}

async function visitMore(pageViews: number): Promise<void> {
  const { counter } = await readSnapshot()
  await waitUntil(`${pageViews} more visits`, 60_000, async () => {
    return (await readSnapshot()).counter > counter + pageViews
  })
}

async function containerOf(service: string): Promise<string> {
  const [first = ''] = (await compose('ps', '--quiet', service)).split('\n')
  return first
}

test('a replica that crashes under load fails no page view, and is started again', async t => {
  await settle(3)
  const { counter: before } = await readSnapshot()
  const visits = await visitWhile(async () => {
    await visitMore(300)
    const [victim] = await runningReplicas()
    await breakAndWait(victim?.id ?? '', crash)
    await visitMore(300)
  })
  reportLoad(t, visits.all)
  assert.deepEqual(failuresOf(visits.all), [])
  await expectTold(visits.all, before)
})

test('a replica that stays frozen under load fails no page view, and is killed and started again', async t => {
  await settle(3)
  const { counter: before } = await readSnapshot()
  const visits = await visitWhile(async () => {
    await visitMore(300)
    const [victim] = await runningReplicas()
    await breakAndWait(victim?.id ?? '', freeze)
    await visitMore(300)
  })
  reportLoad(t, visits.all)
  assert.deepEqual(failuresOf(visits.all), [])
  await expectTold(visits.all, before)
})

test('NGINX that crashes under load is back by itself; every number told is in the log', async t => {
  await settle(3)
  const { counter: before } = await readSnapshot()
  const visits = await visitWhile(async () => {
    await visitMore(300)
    await breakAndWait(await containerOf('nginx'), crash)
    await visitMore(300)
  })
  reportLoad(t, visits.all)
  await expectTold(visits.all, before)
})

test('the database that crashes under load is back by itself; every number told is in the log', async t => {
  await settle(3)
  const { counter: before } = await readSnapshot()
  const visits = await visitWhile(async () => {
    await visitMore(300)
    await breakAndWait(await containerOf('mysql'), crash)
    await visitMore(300)
  })
  reportLoad(t, visits.all)
  await expectTold(visits.all, before)
})
