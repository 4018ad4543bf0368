// Containers that crash, freeze, come and go under load.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { z } from 'zod'
import { type Answer, visitMany } from '../../tools/lib/visitors.ts'
import { waitUntil } from '../../tools/lib/wait.ts'
import { compose, containerLog, docker, lines, runningReplicas } from './docker.ts'
import {
  baseUrl,
  expectLogged,
  failuresOf,
  readAudit,
  readSnapshot,
  reportLoad,
  settle,
  visitWhile,
} from './testing/board.ts'

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

/** Kills NGINX's workers, and waits until NGINX has reloaded for it and no worker runs that ran before. */
async function crashWorkers(nginx: string): Promise<void> {
  const workers = "grep -la '^nginx: worker process' /proc/[0-9]*/cmdline | cut -d/ -f3"
  const list = async () => lines(await docker(['exec', nginx, 'sh', '-c', workers]))
  const reloads = async () =>
    (await containerLog(nginx, 1000)).split('reloading with new shared memory').length
  const [before, victims] = [await reloads(), await list()]
  assert.ok(victims.length > 0)
  await docker(['exec', nginx, 'sh', '-c', `kill -9 ${victims.join(' ')}`])
  await waitUntil('NGINX has reloaded', 20_000, async () => (await reloads()) > before)
  await waitUntil('its workers are new ones', 20_000, async () => {
    const now = await list()
    return now.length === 2 && now.every(pid => !victims.includes(pid))
  })
}

/** Signals all that runs in the containers, but init. */
async function signalAll(containers: string[], signal: 'STOP' | 'CONT'): Promise<void> {
  await Promise.all(containers.map(id => docker(['exec', id, 'sh', '-c', `kill -${signal} -1`])))
}

/** What a page view is answered; '' if it got no answer. */
async function visitAnswer(): Promise<string> {
  return fetch(`${baseUrl}/`, { headers: { Accept: 'application/json' } }).then(
    answer => answer.text(),
    () => '',
  )
}

/** More page views were under way than NGINX allows. */
const isOverloaded = (answer: string) => answer.includes('overloaded')

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
  await expectLogged(visits.all, before)
})

test('a server killed through control under load fails no page view, is started again, and the history says who did it', async t => {
  await settle(3)
  const token = (await compose('exec', '-T', 'web', 'cat', '/run/secrets/admin-token')).trim()
  const { counter: before, servers } = await readSnapshot()
  const victim = servers.find(({ state }) => state === 'up')
  assert.ok(victim)
  const command = async (name: string, authorization: string) =>
    fetch(`${baseUrl}/api/servers/${name}/kill`, {
      method: 'POST',
      headers: { Authorization: authorization },
    })
  assert.equal((await command(victim.name, 'Bearer wrong-0123456789')).status, 401)
  const visits = await visitWhile(async () => {
    await visitMore(300)
    const answer = await command(victim.name, `Bearer ${token}`)
    assert.equal(answer.status, 200, await answer.text())
    await waitUntil(`${victim.name} is another instance`, 90_000, async () => {
      const now = await readSnapshot()
      return now.servers.some(
        ({ name, id, state }) => name === victim.name && id !== victim.id && state === 'up',
      )
    })
    await visitMore(300)
  })
  reportLoad(t, visits.all)
  assert.deepEqual(failuresOf(visits.all), [])
  await expectLogged(visits.all, before)
  const history = await (await fetch(`${baseUrl}/api/history?range=5m`)).text()
  assert.ok(history.includes(`{"type":"killed","by":"control","id":${victim.id},`), history)
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
  await expectLogged(visits.all, before)
})

test('NGINX that crashes under load is back by itself; every answered number is in the log', async t => {
  await settle(3)
  const { counter: before } = await readSnapshot()
  const visits = await visitWhile(async () => {
    await visitMore(300)
    await breakAndWait(await containerOf('nginx'), crash)
    await visitMore(300)
  })
  reportLoad(t, visits.all)
  await expectLogged(visits.all, before)
})

test('NGINX workers that crash under load cost only the page views they had, and the container goes on', async t => {
  await settle(3)
  const nginx = await containerOf('nginx')
  const restarts = await restartsOf(nginx)
  const { counter: before } = await readSnapshot()
  const visits = await visitWhile(async () => {
    await visitMore(300)
    for (let time = 0; time < 2; time++) {
      await crashWorkers(nginx)
      await visitMore(300)
    }
  })
  reportLoad(t, visits.all)
  const failures = failuresOf(visits.all)
  assert.deepEqual(
    failures.filter(({ status }) => status !== 0),
    [],
  )
  assert.ok(failures.length < visits.all.length / 10, `${failures.length} failed`)
  await expectLogged(visits.all, before)
  assert.equal(await restartsOf(nginx), restarts)
})

/**
 * Waits until new visitors, one after another, reach all `servers`, none more than twice another. Of those that come together, the
 * server that answers faster gets more. A server that missed a try gets none for a second.
 */
async function expectEvenSpread(servers: number): Promise<Answer[]> {
  const all: Answer[] = []
  await waitUntil(`new visitors are spread evenly over ${servers} servers`, 15_000, async () => {
    const newVisits = await visitMany(`${baseUrl}/`, { connections: 1, pageViews: 20 * servers })
    all.push(...newVisits)
    const counts = [...Map.groupBy(newVisits, ({ srvId }) => srvId).values()].map(({ length }) => length)
    assert.ok(counts.length === servers && Math.max(...counts) <= 2 * Math.min(...counts), counts.join())
    return true
  })
  assert.deepEqual(failuresOf(all), [])
  return all
}

test('page views recover when NGINX workers crash with all places taken', async t => {
  await settle(3)
  const nginx = await containerOf('nginx')
  const replicas = (await runningReplicas()).map(({ id }) => id)
  for (let time = 0; time < 2; time++) {
    await signalAll(replicas, 'STOP')
    const answers: string[] = []
    const held = Array.from({ length: 800 }, async () => void answers.push(await visitAnswer()))
    await waitUntil('a page view is refused', 10_000, async () => answers.some(isOverloaded), 50)
    await crashWorkers(nginx)
    await signalAll(replicas, 'CONT')
    await Promise.all(held)
    const crashed = performance.now()
    await waitUntil('page views succeed', 15_000, async () => (await fetch(`${baseUrl}/`)).ok, 50)
    t.diagnostic(
      `page views succeeded ${Math.round(performance.now() - crashed)} ms after the replicas went on`,
    )
  }
  await expectEvenSpread(3)
})

test('the database that crashes under load is back by itself; every answered number is in the log', async t => {
  await settle(3)
  const { counter: before } = await readSnapshot()
  const visits = await visitWhile(async () => {
    await visitMore(300)
    await breakAndWait(await containerOf('mysql'), crash)
    await visitMore(300)
  })
  reportLoad(t, visits.all)
  await expectLogged(visits.all, before)
})

const maybeFrom = z.object({ srv_id: z.string(), name: z.string() }).optional()
const pageView = z.looseObject({
  hit: z.number(),
  srv_id: z.string(),
  arrival: z.string(),
  maybe_from: maybeFrom,
})
const logPage = z.looseObject({ rows: z.array(z.looseObject({ id: z.number(), maybe_from: maybeFrom })) })

async function scale(replicas: number): Promise<void> {
  await compose('up', '--detach', '--no-recreate', '--scale', `web=${replicas}`)
}

async function serversThatAre(state: string) {
  return (await readSnapshot()).servers.filter(server => server.state === state)
}

test('3 → 10 → 2 replicas under load: no page view fails, and the page tells what happens', async t => {
  await settle(3)
  const { counter: before } = await readSnapshot()

  const growing = await visitWhile(async () => {
    await scale(10)
    await waitUntil('ten servers have visitors', 120_000, async () => {
      return (await serversThatAre('up')).filter(({ hits }) => hits > 0).length === 10
    })
    const names = (await serversThatAre('up')).map(({ name }) => name)
    const lowest = Array.from({ length: 10 }, (_, index) => `web-${index + 1}`)
    assert.deepEqual(names.toSorted(), lowest.toSorted())
  })
  reportLoad(t, growing.all)
  assert.deepEqual(failuresOf(growing.all), [])
  for (const answers of growing.fromReturning) {
    const servers = new Set(answers.map(({ srvId }) => srvId))
    assert.equal(servers.size, 1, 'a visitor was moved by scaling up')
  }

  const newVisits = await expectEvenSpread(10)

  const shrinking = await visitWhile(async () => {
    await scale(2)
    await waitUntil('two servers are up, and all others marked', 60_000, async () => {
      const { servers } = await readSnapshot()
      const [up, stopped] = ['up', 'stopped'].map(state => servers.filter(server => server.state === state))
      return up?.length === 2 && up.length + (stopped?.length ?? 0) === servers.length
    })
  })
  reportLoad(t, shrinking.all)
  assert.deepEqual(failuresOf(shrinking.all), [])
  await expectLogged([...growing.all, ...newVisits, ...shrinking.all], before)

  const { counter } = await readAudit()
  await waitUntil('servers that are gone are no longer shown', 90_000, async () => {
    return (await readSnapshot()).servers.length === 2
  })
  const after = await readAudit()
  assert.deepEqual([after.counter, after.consistent], [counter, true])
})

test('a new replica appears on the page by itself; the output says how soon', async t => {
  await settle(2)
  const known = (await readSnapshot()).servers.map(({ id }) => id)
  const startedAt = performance.now()
  await scale(3)
  await waitUntil('the new one is up', 30_000, async () => {
    return (await serversThatAre('up')).some(({ id }) => !known.includes(id))
  })
  // Includes the command's time. It depends on the machine, so it is reported, not asserted.
  t.diagnostic(`it was shown as up after ${Math.round(performance.now() - startedAt)} ms`)
})

test('a visitor who returns to an address that another server had shortly before sees both names', async () => {
  await settle(3)
  const newVisits = await visitMany(`${baseUrl}/`, { connections: 3, pageViews: 30 })
  assert.deepEqual(failuresOf(newVisits), [])
  const before = await serversThatAre('up')
  await scale(2)
  await waitUntil('one has stopped', 30_000, async () => (await serversThatAre('up')).length === 2)
  await scale(3)
  let server: (typeof before)[number] | undefined
  await waitUntil('another server has the address', 30_000, async () => {
    const up = await serversThatAre('up')
    server = up.find(({ id, srv_id }) => before.some(old => old.srv_id === srv_id && old.id < id))
    return server !== undefined
  })
  const earlier = before.find(({ srv_id }) => srv_id === server?.srv_id)
  const headers = { Accept: 'application/json', Cookie: `srv_id=${server?.srv_id}` }
  let shown: z.infer<typeof pageView> | undefined
  await waitUntil('NGINX has heard of the new server', 30_000, async () => {
    shown = pageView.parse(await (await fetch(`${baseUrl}/`, { headers })).json())
    return shown.srv_id === server?.srv_id
  })
  assert.ok(shown)
  const maybe_from = { srv_id: server?.srv_id, name: earlier?.name }
  assert.deepEqual([shown.arrival, shown.maybe_from], ['returning', maybe_from])
  const log = logPage.parse(await (await fetch(`${baseUrl}/api/log?before=${shown.hit + 1}&limit=1`)).json())
  assert.deepEqual([log.rows[0]?.id, log.rows[0]?.maybe_from], [shown.hit, maybe_from])
})
