import assert from 'node:assert/strict'
import { test } from 'node:test'
import { z } from 'zod'
import { visitMany } from '../../tools/lib/visitors.ts'
import { waitUntil } from '../../tools/lib/wait.ts'
import { compose } from './docker.ts'
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

const maybeFrom = z.object({ srv_id: z.string(), name: z.string() }).optional()
const visit = z.looseObject({
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
  for (const regular of growing.regulars) {
    const servers = new Set(regular.map(({ srvId }) => srvId))
    assert.equal(servers.size, 1, 'a visitor was moved by scaling up')
  }

  const strangers = await visitMany(`${baseUrl}/`, { connections: 10, pageViews: 1000 })
  assert.deepEqual(failuresOf(strangers), [])
  const counts = [...Map.groupBy(strangers, ({ srvId }) => srvId).values()].map(({ length }) => length)
  t.diagnostic(`a thousand strangers over ten servers: ${counts.toSorted((a, b) => a - b).join(', ')}`)
  assert.equal(counts.length, 10)
  assert.ok(Math.max(...counts) <= 2 * Math.min(...counts), counts.join(', '))

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
  await expectLogged([...growing.all, ...strangers, ...shrinking.all], before)

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
  const strangers = await visitMany(`${baseUrl}/`, { connections: 3, pageViews: 30 })
  assert.deepEqual(failuresOf(strangers), [])
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
  let shown: z.infer<typeof visit> | undefined
  await waitUntil('NGINX has heard of the new server', 30_000, async () => {
    shown = visit.parse(await (await fetch(`${baseUrl}/`, { headers })).json())
    return shown.srv_id === server?.srv_id
  })
  assert.ok(shown)
  const maybe_from = { srv_id: server?.srv_id, name: earlier?.name }
  assert.deepEqual([shown.arrival, shown.maybe_from], ['returning', maybe_from])
  const log = logPage.parse(await (await fetch(`${baseUrl}/api/log?before=${shown.hit + 1}&limit=1`)).json())
  assert.deepEqual([log.rows[0]?.id, log.rows[0]?.maybe_from], [shown.hit, maybe_from])
})
