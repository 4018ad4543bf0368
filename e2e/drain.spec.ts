import { spawnSync } from 'node:child_process'
import { dirname, join } from 'node:path'
import { expect, test } from '@playwright/test'
import { z } from 'zod'
import { visitMany } from '../tools/lib/visitors.ts'
import { faultsBoard, readFaultsStack } from './support/board-control.ts'

// Draining with the operator's commands, as visitors see it.

test.skip(!process.env.FAULTS_STACK_FILE, 'needs a stack of plain processes')
test.use(faultsBoard)

const stackFile = process.env.FAULTS_STACK_FILE ?? ''
const visit = z.looseObject({ srv_id: z.string(), arrival: z.string() })

function serverCalled(name: string) {
  const server = readFaultsStack().replicas.find(replica => replica.name === name)
  if (!server) throw new Error(`the stack has no ${name}`)
  return server
}

/** Runs `npm run drain -- NAME` or `npm run undrain -- NAME`. */
function run(change: 'drain' | 'undrain', name: string) {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [join(import.meta.dirname, '..', 'tools/launcher/drain.ts'), change, name],
    { encoding: 'utf8', env: { ...process.env, DATA_DIR: dirname(stackFile) } },
  )
  return { status, said: (stdout + stderr).trim() }
}

function visitAsNewVisitors(baseURL: string | undefined) {
  return visitMany(`${baseURL}/`, { connections: 3, pageViews: 30 })
}

test.afterEach(() => {
  for (const name of ['web-1', 'web-2', 'web-3']) run('undrain', name)
})

test('a draining server keeps its visitor and gets no new ones, until it is undrained', async ({
  page,
  context,
  baseURL,
}) => {
  const web2 = serverCalled('web-2')
  await context.addCookies([{ name: 'srv_id', value: web2.srv_id, url: baseURL ?? '' }])
  const mine = page.getByRole('table', { name: 'Hits per server' }).getByRole('row', { name: /yours/ })
  await page.goto('/')
  await expect(mine).toContainText('web-2')

  expect(run('drain', 'web-2')).toEqual({
    status: 0,
    said: 'web-2 drains: its visitors stay, new ones go to web-1, web-3',
  })
  await expect(mine).toContainText('draining')

  const answers = await visitAsNewVisitors(baseURL)
  expect(answers.map(answer => answer.status)).toEqual(Array(30).fill(200))
  expect(answers.filter(answer => answer.srvId === web2.srv_id)).toEqual([])

  for (let visits = 0; visits < 3; visits++) {
    await page.reload()
    await expect(mine).toContainText('web-2')
  }
  const again = await page.request.get('/', { headers: { Accept: 'application/json' } })
  expect(visit.parse(await again.json())).toMatchObject({ srv_id: web2.srv_id, arrival: 'returning' })

  expect(run('undrain', 'web-2')).toEqual({ status: 0, said: 'web-2 takes new visitors again' })
  expect((await visitAsNewVisitors(baseURL)).map(answer => answer.srvId)).toContain(web2.srv_id)
  await expect(mine).toContainText('up')
  expect(serverCalled('web-2').pid).toBe(web2.pid)
})

test('when all servers drain, new visitors are still served', async ({ baseURL, request }) => {
  for (const name of ['web-1', 'web-2']) expect(run('drain', name).status).toBe(0)
  expect(run('drain', 'web-3')).toEqual({
    status: 0,
    said: 'web-3 drains, and so does every other server: new visitors are still served',
  })
  const answers = await visitAsNewVisitors(baseURL)
  expect(answers.map(answer => answer.status)).toEqual(Array(30).fill(200))
  expect((await request.head('/')).status()).toBe(200)
  for (const path of ['/api/snapshot', '/api/log', '/api/audit', '/icon.svg'])
    expect((await request.get(path)).status(), path).toBe(200)
})

test('no request of a new visitor binds it to a draining server', async ({ playwright, baseURL }) => {
  const web2 = serverCalled('web-2')
  run('drain', 'web-2')
  for (const headers of [
    {},
    { 'Sec-Purpose': 'prefetch' },
    { RSC: '1' },
    { 'X-Last-Try': '1' },
    { Cookie: `srv_id=${'0'.repeat(32)}` },
  ]) {
    for (const method of ['GET', 'GET', 'GET', 'HEAD', 'HEAD', 'HEAD']) {
      const visitor = await playwright.request.newContext({
        baseURL: baseURL ?? '',
        extraHTTPHeaders: headers,
      })
      const answer = await visitor.fetch('/', { method })
      // Answers that are no page views set no cookie.
      expect(answer.headers()['set-cookie'] ?? '').not.toContain(web2.srv_id)
      await visitor.dispose()
    }
  }
})

test('a draining server is not ready, but live', async () => {
  const { address } = serverCalled('web-2')
  const ready = async () => {
    const answer = await fetch(`http://${address}/health/ready`)
    return { status: answer.status, body: await answer.json() }
  }
  expect(await ready()).toEqual({ status: 200, body: { ready: true } })
  run('drain', 'web-2')
  expect(await ready()).toMatchObject({ status: 503, body: { error: { code: 'draining' } } })
  expect((await fetch(`http://${address}/health/live`)).status).toBe(200)
})

test('the commands report repeated and unknown requests', () => {
  expect(run('undrain', 'web-1')).toEqual({ status: 0, said: 'web-1 does not drain: nothing to undo' })
  run('drain', 'web-1')
  expect(run('drain', 'web-1')).toEqual({ status: 0, said: 'web-1 drains already' })
  expect(run('drain', 'web-9')).toEqual({
    status: 1,
    said: 'Balance Board: there is no server web-9, only web-1, web-2, web-3',
  })
  expect(run('drain', '')).toMatchObject({ status: 1, said: expect.stringContaining('name one server') })
})
