import { expect, test } from '@playwright/test'
import { readStackFile } from '../tools/launcher/stack/stack-file.ts'
import { visitMany } from '../tools/lib/load.ts'
import type { History } from '../web/shared/api.ts'

// What the servers say of themselves to whoever starts and watches them.

test.skip(!process.env.STACK_FILE, 'needs a stack of plain processes')

function readStack() {
  const stack = readStackFile(process.env.STACK_FILE ?? '')
  if (!stack) throw new Error('no stack runs')
  return stack
}

/** For each server: `live` and `ready` as status, and why it is not ready. */
async function healthOfAll(): Promise<string[]> {
  return Promise.all(
    readStack().replicas.map(async ({ address }) => {
      const live = await fetch(`http://${address}/health/live`)
      const ready = await fetch(`http://${address}/health/ready`)
      const body: unknown = await ready.json()
      return `${live.status} ${ready.status} ${JSON.stringify(body)}`
    }),
  )
}

const well = '200 200 {"ready":true}'
const away = expect.stringMatching(/^200 503 \{"error":\{"code":"database_away"/)

test('while the database hangs every server lives and says why it is not ready; then all serve again by themselves', async ({
  request,
}) => {
  const before = readStack()
  process.kill(before.database.pid, 'SIGSTOP')
  try {
    await expect.poll(healthOfAll, { timeout: 30_000 }).toEqual([away, away, away])
  } finally {
    process.kill(before.database.pid, 'SIGCONT')
  }
  await expect.poll(healthOfAll).toEqual([well, well, well])
  for (const { srv_id } of before.replicas) {
    const answer = await request.get('/', { headers: { Cookie: `srv_id=${srv_id}` } })
    expect([answer.status(), answer.headers()['x-srv-id']]).toEqual([200, srv_id])
  }
  expect(readStack().replicas).toEqual(before.replicas)
})

test('a database that was killed is served with again by every server, none of them started anew', async ({
  request,
}) => {
  const before = readStack()
  process.kill(before.database.pid, 'SIGKILL')
  await expect.poll(() => readStack().database.pid, { timeout: 30_000 }).not.toBe(before.database.pid)
  await expect.poll(healthOfAll).toEqual([well, well, well])
  for (const { srv_id } of before.replicas) {
    const visit = () => request.get('/', { headers: { Cookie: `srv_id=${srv_id}` } })
    await expect.poll(async () => (await visit()).headers()['x-srv-id']).toBe(srv_id)
    expect((await visit()).status()).toBe(200)
  }
  expect(readStack().replicas).toEqual(before.replicas)
})

for (const signal of ['SIGHUP', 'SIGQUIT'] as const) {
  test(`a server that gets ${signal} leaves in order: it fails no page view and says that it left`, async ({
    request,
    baseURL,
  }) => {
    const before = readStack()
    const [server] = before.replicas
    const timesLeft = async () => {
      const { events }: History = await (await request.get('/api/history?range=5m')).json()
      return events.filter(event => event.kind === 'left').length
    }
    const left = await timesLeft()
    const ended = new AbortController()
    const visits = visitMany(`${baseURL}/`, { connections: 4, perSecond: 50, until: ended.signal })
    process.kill(server?.pid ?? 0, signal)
    await expect.poll(() => readStack().replicas[0]?.pid, { timeout: 30_000 }).not.toBe(server?.pid)
    ended.abort()
    expect(new Set((await visits).map(answer => answer.status))).toEqual(new Set([200]))
    expect(await timesLeft()).toBe(left + 1)
  })
}

test('a server goes on after SIGUSR1 and SIGUSR2, and opens no debugger', async ({ request }) => {
  const [server] = readStack().replicas
  for (const signal of ['SIGUSR1', 'SIGUSR2'] as const) process.kill(server?.pid ?? 0, signal)
  const answer = await request.get('/', { headers: { Cookie: `srv_id=${server?.srv_id}` } })
  expect(answer.headers()['x-srv-id']).toBe(server?.srv_id)
  expect(readStack().replicas[0]?.pid).toBe(server?.pid)
  // Node's default for SIGUSR1.
  await expect(request.get('http://127.0.0.1:9229/json')).rejects.toThrow('ECONNREFUSED')
})
