import { type APIRequestContext, expect, test } from '@playwright/test'
import { z } from 'zod'
import { visitMany } from '../tools/lib/visitors.ts'
import { boardLogLength } from '../web/shared/limits.ts'

// What scripts rely on, through NGINX, on any stack at the base URL.

const srvId = z.string().regex(/^[0-9a-f]{32}$/)
const time = z.iso.datetime({ precision: 3 })
const arrival = z.enum(['new', 'returning', 'moved'])
const movedFrom = z.strictObject({ srv_id: srvId, name: z.string().nullable() }).nullable()
const visit = z.strictObject({
  hit: z.number().int().positive(),
  srv_id: srvId,
  server: z.string().min(1),
  client_ip: z.union([z.ipv4(), z.ipv6()]),
  arrival,
  moved_from: movedFrom,
  at: time,
})
const logRow = z.strictObject({
  id: z.number().int().positive(),
  at: time,
  client_ip: z.string(),
  srv_id: srvId,
  server: z.string(),
  arrival,
  moved_from: movedFrom,
})
const snapshot = z.looseObject({
  counter: z.number().int(),
  at: time,
  earlier_hits: z.number().int(),
  servers: z.array(
    z.looseObject({
      srv_id: srvId,
      name: z.string(),
      address: z.string(),
      hits: z.number().int(),
      share: z.number(),
      rate: z.number(),
      state: z.enum(['joining', 'up', 'draining', 'lost', 'stopped']),
    }),
  ),
  log: z.array(logRow).max(boardLogLength),
})
const logPage = z.strictObject({ rows: z.array(logRow), next: z.number().int().nullable() })
const audit = z.strictObject({
  counter: z.number().int(),
  max_id: z.number().int(),
  rows: z.number().int(),
  purged: z.number().int(),
  sum_hits: z.number().int(),
  consistent: z.boolean(),
})
const errorAnswer = z.strictObject({ error: z.strictObject({ code: z.string(), message: z.string() }) })

const json = { Accept: 'application/json' }

test('a page view is answered with its number, server, address, arrival and time, and sets the cookie', async ({
  request,
}) => {
  const answer = await request.get('/', { headers: json })
  expect(answer.status()).toBe(200)
  const body = visit.parse(await answer.json())
  expect(answer.headers()).toMatchObject({
    'x-hit': String(body.hit),
    'x-srv-id': body.srv_id,
    'cache-control': 'no-store',
  })
  expect(body.arrival).toBe('new')
  const cookie = answer.headers()['set-cookie'] ?? ''
  expect(cookie).toMatch(new RegExp(`^srv_id=${body.srv_id};`))
  for (const attribute of [/max-age=\d+/i, /path=\/(;|$)/i, /httponly/i, /samesite=lax/i]) {
    expect(cookie).toMatch(attribute)
  }
})

test('the page’s headers carry the same answer', async ({ request }) => {
  const answer = await request.get('/')
  expect(answer.headers()['content-type']).toMatch(/^text\/html/)
  expect(answer.headers()['x-hit']).toMatch(/^\d+$/)
  const html = await answer.text()
  expect(html).toContain(answer.headers()['x-hit'])
  expect(answer.headers()['content-security-policy']).toMatch(/script-src 'nonce-[^']+' 'strict-dynamic'/)
})

test('forty page views with a cookie stay on one server', async ({ baseURL }) => {
  const answers = await visitMany(`${baseURL}/`, { connections: 1, pageViews: 40, keepCookies: true })
  expect(answers.map(answer => answer.status)).toEqual(Array(40).fill(200))
  expect(new Set(answers.map(answer => answer.srvId)).size).toBe(1)
})

test('ninety new visitors reach all servers, none more than twice another', async ({ baseURL, request }) => {
  const { servers } = snapshot.parse(await (await request.get('/api/snapshot')).json())
  const up = servers.filter(server => server.state === 'up').map(server => server.srv_id)
  // One after another: of those that come together, the server that answers faster gets more. A server that missed a try on a busy
  // machine gets none for a second.
  await expect(async () => {
    const answers = await visitMany(`${baseURL}/`, { connections: 1, pageViews: 90 })
    const counts = up.map(id => answers.filter(answer => answer.srvId === id).length)
    expect(counts.reduce((sum, count) => sum + count)).toBe(90)
    expect(Math.max(...counts)).toBeLessThanOrEqual(2 * Math.min(...counts))
  }).toPass({ timeout: 15_000 })
})

test('a returning visitor is reported as returning', async ({ request }) => {
  const first = visit.parse(await (await request.get('/', { headers: json })).json())
  const second = visit.parse(await (await request.get('/', { headers: json })).json())
  expect(second).toMatchObject({ srv_id: first.srv_id, arrival: 'returning', moved_from: null })
  expect(second.hit).toBeGreaterThan(first.hit)
})

test('a snapshot includes every visit that was answered before the snapshot’s time', async ({ request }) => {
  const first = visit.parse(await (await request.get('/', { headers: json })).json())
  // Both times come from the database's clock.
  const later = visit.parse(await (await request.get('/', { headers: json })).json())
  await expect
    .poll(async () => {
      const { at, counter } = snapshot.parse(await (await request.get('/api/snapshot')).json())
      if (at > later.at) expect(counter).toBeGreaterThanOrEqual(first.hit)
      return at > later.at
    })
    .toBe(true)
})

for (const [what, cookie] of [
  ['forged', `srv_id=${'0'.repeat(32)}`],
  ['malformed', 'srv_id=../../etc/passwd'],
]) {
  test(`a ${what} cookie is replaced by a valid one`, async ({ playwright, baseURL }) => {
    const request = await playwright.request.newContext({
      baseURL: baseURL ?? '',
      extraHTTPHeaders: { Cookie: cookie ?? '' },
    })
    const answer = await request.get('/', { headers: json })
    const body = visit.parse(await answer.json())
    expect(answer.headers()['set-cookie']).toMatch(new RegExp(`srv_id=${body.srv_id};`))
    expect(body.arrival).toBe(what === 'forged' ? 'moved' : 'new')
    await request.dispose()
  })
}

test('a client cannot forge its address or request id', async ({ request }) => {
  const headers = {
    ...json,
    'X-Real-IP': '8.8.8.8',
    'X-Forwarded-For': '8.8.4.4',
    'X-Request-ID': 'a'.repeat(32),
  }
  const [first, second] = [await request.get('/', { headers }), await request.get('/', { headers })]
  const visits = [visit.parse(await first.json()), visit.parse(await second.json())]
  expect(visits[0]?.client_ip).not.toMatch(/^8\.8\./)
  expect(visits[1]?.hit).toBeGreaterThan(visits[0]?.hit ?? 0)
})

for (const path of [
  '/api/snapshot',
  '/api/log',
  '/api/log.csv',
  '/api/history?range=5m',
  '/api/audit',
  '/icon.svg',
  '/robots.txt',
  '/nowhere',
]) {
  test(`${path} counts nothing and renews no cookie`, async ({ request }) => {
    const before = visit.parse(await (await request.get('/', { headers: json })).json())
    const answer = await request.get(path)
    expect(answer.headers()['set-cookie']).toBeUndefined()
    expect(answer.headers()['x-hit']).toBeUndefined()
    const { rows } = logPage.parse(await (await request.get('/api/log?limit=200')).json())
    const mine = rows.filter(row => row.id > before.hit && row.client_ip === before.client_ip)
    expect(mine.filter(row => row.srv_id === before.srv_id && row.arrival === 'returning')).toEqual([])
  })
}

test('HEAD, RSC and prefetch requests are no page views', async ({ request }) => {
  const answers = [
    await request.head('/'),
    await request.get('/?_rsc=1', { headers: { RSC: '1' } }),
    await request.get('/', { headers: { 'Sec-Purpose': 'prefetch' } }),
    await request.get('/', { headers: { 'Sec-Purpose': 'prefetch;prerender' } }),
    await request.get('/', { headers: { Purpose: 'preview' } }),
    await request.get('/', { headers: { 'X-Purpose': 'preview' } }),
    await request.get('/', { headers: { 'X-Moz': 'prefetch' } }),
  ]
  expect(answers.map(answer => answer.status())).toEqual([200, 404, 503, 503, 503, 503, 503])
  for (const answer of answers) {
    expect(answer.headers()['x-hit']).toBeUndefined()
    expect(answer.headers()['cache-control']).toBe('no-store')
  }
})

test('robots.txt keeps crawlers away, without a page view', async ({ request }) => {
  const answer = await request.get('/robots.txt')
  expect(answer.status()).toBe(200)
  expect(answer.headers()['content-type']).toMatch(/^text\/plain/)
  expect(await answer.text()).toBe('User-agent: *\nDisallow: /\n')
  expect(answer.headers()['x-hit']).toBeUndefined()
})

test('icon requests get short answers, without a page view', async ({ request }) => {
  for (const path of ['/favicon.ico', '/apple-touch-icon.png', '/apple-touch-icon-precomposed.png']) {
    const answer = await request.get(path, { headers: { Accept: 'image/*,*/*;q=0.8' } })
    expect([path, answer.status()]).toEqual([path, 404])
    expect((await answer.body()).length).toBeLessThan(200)
    expect(answer.headers()['x-hit']).toBeUndefined()
  }
})

test('the hits of a snapshot’s servers and its earlier hits add up to the counter', async ({ request }) => {
  await request.get('/', { headers: json })
  const answer = await request.get('/api/snapshot')
  const { counter, servers, earlier_hits, log } = snapshot.parse(await answer.json())
  expect(servers.reduce((sum, server) => sum + server.hits, 0) + earlier_hits).toBe(counter)
  expect(log[0]?.id).toBe(counter)
})

test('the pages of the log have no gap, and end', async ({ request, baseURL }) => {
  await visitMany(`${baseURL}/`, { connections: 2, pageViews: 30 })
  const first = logPage.parse(await (await request.get('/api/log?limit=10')).json())
  const second = logPage.parse(await (await request.get(`/api/log?limit=10&before=${first.next}`)).json())
  const ids = [...first.rows, ...second.rows].map(row => row.id)
  const newest = ids[0] ?? 0
  expect(ids).toEqual(Array.from({ length: 20 }, (_, index) => newest - index))
  const end = logPage.parse(await (await request.get('/api/log?before=1')).json())
  expect(end).toEqual({ rows: [], next: null })
})

for (const path of [
  '/api/log?limit=0',
  '/api/log?limit=many',
  '/api/log?before=-1',
  '/api/log?srv_id=web-1',
  '/api/log?client_ip=everyone',
  '/api/log.csv?limit=x',
  '/api/history?range=1y',
]) {
  test(`${path} is refused, and the answer names the parameter and the reason`, async ({ request }) => {
    const answer = await request.get(path)
    expect(answer.status()).toBe(400)
    const { error } = errorAnswer.parse(await answer.json())
    expect(error.code).toBe('bad_parameter')
    expect(`${path}?range`).toContain(error.message.split(':')[0])
  })
}

test('the log is available as CSV', async ({ request }) => {
  await request.get('/', { headers: json })
  const answer = await request.get('/api/log.csv?limit=3')
  expect(answer.headers()['content-type']).toMatch(/^text\/csv/)
  const [header, newest] = (await answer.text()).split('\r\n')
  expect(header).toMatch(/^id,at,client_ip,srv_id,/)
  expect(newest).toMatch(/^\d+,/)
})

for (const range of ['5m', '1h', '24h']) {
  test(`the history of ${range} has a figure per server and time`, async ({ request }) => {
    await request.get('/', { headers: json })
    const history = z
      .looseObject({
        range: z.literal(range),
        bucket_seconds: z.number(),
        times: z.array(time).min(5),
        servers: z.array(z.looseObject({ srv_id: srvId, hits: z.array(z.number().int()) })).min(1),
      })
      .parse(await (await request.get(`/api/history?range=${range}`)).json())
    for (const server of history.servers) expect(server.hits).toHaveLength(history.times.length)
  })
}

test('the audit reports that all figures agree', async ({ request }) => {
  await request.get('/', { headers: json })
  const { counter, max_id, rows, purged, sum_hits, consistent } = audit.parse(
    await (await request.get('/api/audit')).json(),
  )
  expect(consistent).toBe(true)
  expect([max_id, sum_hits, rows + purged]).toEqual([counter, counter, counter])
})

test('forgetting expires the cookie, and accepts only POST', async ({ request }) => {
  await request.get('/', { headers: json })
  expect((await request.get('/api/forget')).status()).toBe(405)
  const answer = await request.post('/api/forget')
  expect(answer.status()).toBe(204)
  expect(answer.headers()['set-cookie']).toMatch(/^srv_id=;.*max-age=0/i)
  const next = visit.parse(await (await request.get('/', { headers: json })).json())
  expect(next.arrival).toBe('new')
})

test('NGINX reports that it is up, and hides the replicas’ internal paths', async ({ request, baseURL }) => {
  expect((await request.get('/healthz')).status()).toBe(200)
  for (const path of ['/metrics', '/health/live', '/health/ready', '/health', '//metrics', '/%6detrics']) {
    expect([400, 404], path).toContain((await request.get(`${baseURL}${path}`)).status())
  }
})

test('large headers are accepted, and too large ones get a readable 431', async ({ request }) => {
  const cookies = (bytes: number) =>
    Array.from({ length: Math.ceil(bytes / 4000) }, (_, index) => `other${index}=${'x'.repeat(3980)}`).join(
      '; ',
    )
  // Each header must fit into one NGINX buffer, and browsers send all cookies in one header.
  const fits = await request.get('/', {
    headers: { ...json, Cookie: cookies(4000), 'X-A': 'a'.repeat(7900), 'X-B': 'b'.repeat(7900) },
  })
  expect(fits.status()).toBe(200)
  for (const headers of [
    { ...json, Cookie: cookies(12_000) },
    { ...json, Cookie: cookies(60_000) },
  ]) {
    const refused = await request.get('/', { headers })
    expect(refused.status()).toBe(431)
    expect(errorAnswer.parse(await refused.json()).error).toMatchObject({
      code: 'headers_too_large',
      message: expect.stringContaining('cookies'),
    })
  }
  const page = await request.get('/', { headers: { Accept: 'text/html', Cookie: cookies(12_000) } })
  expect(page.status()).toBe(431)
  expect(await page.text()).toContain('too large')
})

test('every answer carries the security headers and no version', async ({ request }) => {
  for (const path of ['/', '/api/snapshot', '/icon.svg', '/nowhere', '/healthz']) {
    const headers = (await request.get(path)).headers()
    expect(headers['x-content-type-options'], path).toBe('nosniff')
    expect(headers['referrer-policy'], path).toBeTruthy()
    expect(headers.server ?? '', path).not.toMatch(/\d/)
    expect(headers['x-powered-by'], path).toBeUndefined()
  }
})

const labVisit = z.strictObject({
  server: z.string(),
  srv_id: srvId,
  policy: z.string(),
  waited_ms: z.number(),
})

test.describe('the lab', () => {
  test.describe.configure({ mode: 'serial' })

  /** `count` visits of the lab, `atOnce` at a time: the servers in the order of the answers. */
  async function visitLab(request: APIRequestContext, query: string, count = 30, atOnce = 1) {
    const servers: string[] = []
    const retried: string[] = []
    let begun = 0
    const visitor = async () => {
      while (begun < count) {
        const answer = await request.get(`/lab/visit?${query}`.replace('KEY', `key-${begun++}`))
        expect(answer.status(), await answer.text()).toBe(200)
        expect(answer.headers()).not.toHaveProperty('set-cookie')
        const { server } = labVisit.parse(await answer.json())
        servers.push(server)
        if (answer.headers()['x-tries']?.includes('503')) retried.push(server)
      }
    }
    await Promise.all(Array.from({ length: atOnce }, visitor))
    return { servers, retried }
  }

  const shares = (servers: string[]) => {
    const counts = Map.groupBy(servers, server => server)
    return (name: string) => counts.get(name)?.length ?? 0
  }

  test('each policy balances as its name says, and nothing of it is counted', async ({ request }) => {
    const { servers } = snapshot.parse(await (await request.get('/api/snapshot')).json())
    const names = servers.filter(({ state }) => state === 'up').map(({ name }) => name)
    // A snapshot can be older than the last page views of other tests.
    const before = audit.parse(await (await request.get('/api/audit')).json())
    const even = (await visitLab(request, 'policy=round_robin')).servers
    const counts = names.map(shares(even))
    expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(2)
    expect(new Set((await visitLab(request, 'policy=ip_hash')).servers).size).toBe(1)
    const first = (await visitLab(request, 'policy=hash&key=KEY')).servers
    expect((await visitLab(request, 'policy=hash&key=KEY')).servers).toEqual(first)
    expect(new Set(first).size).toBe(names.length)
    expect(new Set((await visitLab(request, 'policy=random_two')).servers).size).toBe(names.length)
    const log = logPage.parse(await (await request.get('/api/log?limit=200')).json())
    expect(log.rows.filter(({ id }) => id > before.counter).map(({ client_ip }) => client_ip)).toEqual([])
  })

  test('least connections avoids a slow server, and round robin does not', async ({ request }) => {
    const slow = 'slow=web-2:400'
    const even = (await visitLab(request, `policy=round_robin&${slow}`, 60, 6)).servers
    const least = (await visitLab(request, `policy=least_conn&${slow}`, 60, 6)).servers
    expect(shares(least)('web-2')).toBeLessThan(0.6 * shares(even)('web-2'))
  })

  test('a server that fails on purpose fails no visit and answers none', async ({ request }) => {
    const { servers, retried } = await visitLab(request, 'policy=round_robin&fail=web-3:1')
    expect(servers).not.toContain('web-3')
    expect(retried.length).toBeGreaterThan(0)
  })

  test('a bad policy is refused with the reason, in JSON', async ({ request }) => {
    for (const query of ['', '?policy=none', '?policy=hash&slow=web-2:9999']) {
      const answer = await request.get(`/lab/visit${query}`, { headers: { Accept: 'text/html' } })
      expect(answer.status()).toBe(400)
      expect(errorAnswer.parse(await answer.json()).error.code).toBe('bad_parameter')
    }
  })
})

test.describe('control', () => {
  const token = process.env.ADMIN_TOKEN ?? ''
  const authorized = { Authorization: `Bearer ${token}` }

  test('without the token nothing can be done, and other sites, methods, servers and commands are refused', async ({
    request,
  }) => {
    const path = '/api/servers/web-1/undrain'
    for (const [status, answer] of [
      [401, await request.post(path)],
      [401, await request.post(path, { headers: { Authorization: `Bearer ${token}x` } })],
      [403, await request.post(path, { headers: { ...authorized, Origin: 'https://other.example' } })],
      [404, await request.post('/api/servers/web-1/stop', { headers: authorized })],
      [405, await request.get(path, { headers: authorized })],
    ] as const) {
      expect(answer.status(), await answer.text()).toBe(status)
      errorAnswer.parse(await answer.json())
    }
  })

  test('with the token a command is acknowledged, and an unknown server is 404', async ({
    request,
    baseURL,
  }) => {
    test.skip(token === '', 'needs the token of the board')
    const servers = snapshot.parse(await (await request.get('/api/snapshot')).json()).servers
    const up = servers.find(({ state }) => state === 'up')
    const headers = { ...authorized, Origin: baseURL ?? '' }
    const answer = await request.post(`/api/servers/${up?.name}/undrain`, { headers })
    expect(answer.status(), await answer.text()).toBe(200)
    expect(await answer.json()).toEqual({
      server: up?.name,
      srv_id: up?.srv_id,
      command: 'undrain',
      message: `${up?.name} does not drain: nothing to undo.`,
    })
    expect((await request.post('/api/servers/no-such/kill', { headers })).status()).toBe(404)
  })
})
