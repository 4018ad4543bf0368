import assert from 'node:assert/strict'
import { request as httpRequest } from 'node:http'
import { text } from 'node:stream/consumers'
import { after, before, mock, test } from 'node:test'
import type { RowDataPacket } from 'mysql2/promise'
import { startDatabaseProxy } from '../../../tools/lib/database-proxy.ts'
import { eventually, startStubServer } from '../../../tools/lib/testing.ts'
import { openPooledDatabase } from '../../testing/endpoints.ts'
import { sampleHealth } from '../../testing/samples.ts'
import { type EndCommand, readWish, takeEndWish, withControlLock } from '../db/control.ts'
import { closePools, openPools, type Pools } from '../db/pools.ts'
import { writeHeartbeat } from '../db/server-state.ts'
import { endServer, registerServer } from '../db/servers.ts'
import { createRouter } from '../http/router.ts'
import { srvIdOf } from '../identity.ts'
import { OwnEnd } from '../lifecycle/own-row.ts'
import { log } from '../log.ts'
import { controlEndpoint, isControlPath } from './control.ts'
import { historyEndpoint } from './history.ts'

const token = 'a-token-of-this-test'
const database = await openPooledDatabase()
const { pools } = database
const written: string[] = []

/** A replica's endpoints, on `pools`. `onToken` is called when a request has come. */
const serve = (pools: Pools, onToken = () => {}) =>
  startStubServer(
    createRouter({
      exact: {
        '/api/history': { GET: historyEndpoint({ read: pools.read, board: { silenceOf: ms => ms } }) },
      },
      matching: {
        matches: isControlPath,
        byMethod: {
          POST: controlEndpoint({
            pools,
            ownEnd: new OwnEnd({ take: async () => false }),
            readToken() {
              onToken()
              return token
            },
          }),
        },
      },
      fallback: (_request, response) => void response.writeHead(404).end(),
      onError: error => written.push(error.message),
    }),
  )

const server = await serve(pools)
after(async () => {
  await server[Symbol.asyncDispose]()
  await database.close()
})

type Headers = Record<string, string>

/** Without a client that normalises the path or the headers. */
async function send(path: string, headers: Headers = {}, method = 'POST', port = server.port) {
  const sent = httpRequest({ port, host: '127.0.0.1', path, method, headers })
  sent.end()
  const [response] = await new Promise<[import('node:http').IncomingMessage]>((resolve, reject) => {
    sent.once('response', each => resolve([each]))
    sent.once('error', reject)
  })
  const body = await text(response)
  const parsed: unknown = body === '' ? null : JSON.parse(body)
  return { status: response.statusCode, headers: response.headers, body: parsed, text: body }
}

const authorized = { Authorization: `Bearer ${token}` }
const post = (path: string, headers: Headers = {}) => send(path, { ...authorized, ...headers })

/** Acts as a replica: sends heartbeats, and obeys until it is stopped. */
async function startServer(name: string, address = `10.0.0.${name.slice(4)}:3000`) {
  const { id } = await registerServer(pools.write, { srvId: srvIdOf(address), address, name })
  const identity = { id, srv_id: srvIdOf(address) }
  const ended: EndCommand[] = []
  let running = true
  const work = (async () => {
    while (running) {
      const wish = await readWish(pools.read, id, 5000)
      if (wish.end !== null && (await takeEndWish(pools.write, identity, wish.end, 5000))) {
        ended.push(wish.end)
        return
      }
      await writeHeartbeat(pools.write, identity, sampleHealth({ draining: wish.drain }), 5000)
      await new Promise(resolve => setTimeout(resolve, 50))
    }
  })()
  await eventually(async () => {
    const [rows] = await pools.read.query<RowDataPacket[]>('SELECT ready_at FROM server WHERE id = ?', [id])
    return rows[0]?.ready_at
  })
  return {
    id,
    ended,
    async freeze() {
      running = false
      await work
    },
    async [Symbol.asyncDispose]() {
      running = false
      await work
      await endServer(pools.write, id)
    },
  }
}

async function recorded(): Promise<RowDataPacket[]> {
  const [rows] = await pools.read.query<RowDataPacket[]>(
    'SELECT server_id, type, client_ip, until_at IS NOT NULL AS acknowledged FROM server_event ORDER BY at, type',
  )
  return rows
}

before(async () => {
  await pools.write.query('DELETE FROM server_event')
})

test('only the token opens it', async () => {
  await using other = await startServer('web-1')
  await using target = await startServer('web-2')
  for (const authorization of [
    undefined,
    '',
    'Bearer',
    'Bearer ',
    `Basic ${token}`,
    token,
    `Bearer ${token}x`,
    `Bearer ${token.slice(1)}`,
    `Bearer ${token} ${token}`,
    `Bearer ${token.toUpperCase()}`,
    `Bearer ${'x'.repeat(4000)}`,
    'Bearer null',
    'Bearer undefined',
  ]) {
    const answer = await send(
      '/api/servers/web-2/kill',
      authorization === undefined ? {} : { Authorization: authorization },
    )
    assert.equal(answer.status, 401, `${authorization}`)
    assert.match(String(answer.headers['www-authenticate']), /^Bearer /)
    assert.ok(!answer.text.includes(token))
  }
  // Neither in the query, where logs would show it.
  assert.equal((await send(`/api/servers/web-2/kill?token=${token}`)).status, 401)
  assert.equal((await post(`/api/servers/web-2/kill?token=${token}`)).status, 400)
  assert.deepEqual(await recorded(), [])
  assert.deepEqual([...other.ended, ...target.ended], [])
  assert.deepEqual(
    written.filter(text => text.includes(token)),
    [],
  )
})

test('another site gets 403, also with the token', async () => {
  const host = `127.0.0.1:${server.port}`
  const own = ['http://HOST', 'https://HOST', 'HTTP://HOST'].map(each => each.replace('HOST', host))
  for (const origin of own)
    assert.equal((await post('/api/servers/web-9/kill', { Origin: origin })).status, 404, origin)
  for (const origin of [
    'http://evil.example',
    `http://${host}.evil.example`,
    `http://evil.example/${host}`,
    `http://127.0.0.1:${server.port + 1}`,
    'http://127.0.0.1',
    'null',
    '',
    'file://',
    '\u00ff',
  ])
    assert.equal((await post('/api/servers/web-9/kill', { Origin: origin })).status, 403, origin)
  for (const site of ['cross-site', 'same-site', 'x'])
    assert.equal((await post('/api/servers/web-9/kill', { 'Sec-Fetch-Site': site })).status, 403, site)
  for (const site of ['same-origin', 'none'])
    assert.equal((await post('/api/servers/web-9/kill', { 'Sec-Fetch-Site': site })).status, 404, site)
})

test('unknown servers and commands are 404, whatever is in them, and nothing of it is repeated', async () => {
  for (const name of [
    'web-9',
    'WEB-1',
    'web-1%20',
    '%00',
    '%',
    '%ff%fe',
    '%27%3B%20DROP%20TABLE%20server%3B--',
    '%3Cscript%3Ealert(1)%3C%2Fscript%3E',
    '__proto__',
    'constructor',
    '%F0%9F%92%A5',
    '%2e%2e%2fweb-1',
    'x'.repeat(64),
    'x'.repeat(5000),
  ]) {
    const answer = await post(`/api/servers/${name}/kill`)
    assert.equal(answer.status, 404, name)
    assert.deepEqual(answer.body, {
      error: { code: 'no_such_server', message: 'There is no server with this name.' },
    })
  }
  for (const path of [
    '/api/servers/',
    '/api/servers/web-1',
    '/api/servers/web-1/',
    '/api/servers/web-1/stop',
    '/api/servers/web-1/KILL',
    '/api/servers/web-1/kill/',
    '/api/servers//kill',
    '/api/servers/web-1/x/kill',
    '/api/servers/web-1/__proto__',
  ])
    assert.equal((await post(path)).status, 404, path)
})

test('other methods are 405, and a body is refused', async () => {
  for (const method of ['GET', 'HEAD', 'PUT', 'DELETE', 'OPTIONS', 'PATCH']) {
    const answer = await send('/api/servers/web-1/kill', authorized, method)
    assert.equal(answer.status, 405, method)
    assert.equal(answer.headers.allow, 'POST')
    assert.equal(answer.headers['access-control-allow-origin'], undefined)
  }
  assert.equal((await post('/api/servers/web-1/kill', { 'Content-Length': '1' })).status, 413)
})

test('a drain is acknowledged, recorded with the shortened address and shown in the history', async () => {
  await pools.write.query('DELETE FROM server_event')
  await using first = await startServer('web-1')
  await using second = await startServer('web-2')
  const address = { 'X-Real-IP': '203.0.113.77' }
  const drained = await post('/api/servers/web-2/drain', address)
  assert.deepEqual(
    [drained.status, drained.body],
    [
      200,
      {
        server: 'web-2',
        srv_id: srvIdOf('10.0.0.2:3000'),
        command: 'drain',
        message: 'web-2 drains: its visitors stay, new ones go to web-1.',
      },
    ],
  )
  assert.match((await post('/api/servers/web-2/drain')).text, /web-2 drains already/)
  const last = await post('/api/servers/web-1/drain')
  assert.equal(last.status, 409)
  assert.match(last.text, /"last_server".*web-1 is the last server that is up: it may not be drained\./)
  assert.equal((await post('/api/servers/web-2/undrain', address)).status, 200)
  assert.deepEqual(
    (await recorded()).map(row => ({ ...row })),
    ['drain', 'undrain'].map(type => ({
      server_id: second.id,
      type,
      client_ip: '203.0.113.x',
      acknowledged: 1,
    })),
  )
  const history = await send('/api/history?range=5m', {}, 'GET')
  const events = history.text.matchAll(/\{"type":"(\w+)","by":"control","id":(\d+)/g)
  assert.deepEqual(
    [...events].map(([, type, id]) => [type, Number(id)]),
    [
      ['undrained', second.id],
      ['draining', second.id],
    ],
  )
  assert.deepEqual(first.ended, [])
})

for (const [command, shown] of [
  ['kill', 'killed'],
  ['restart', 'stopped'],
] as const)
  test(`${command} reaches one instance, and never the next one at its address`, async () => {
    await using first = await startServer('web-1')
    const target = await startServer('web-2')
    const [answer, replay] = await Promise.all([
      post(`/api/servers/web-2/${command}`),
      post(`/api/servers/web-2/${command}`),
    ])
    assert.deepEqual([answer.status, replay.status].sort(), [200, 409])
    assert.deepEqual(target.ended, [command])
    if (command === 'restart') await endServer(pools.write, target.id)

    await using next = await startServer('web-2')
    assert.deepEqual(await readWish(pools.read, next.id, 1000), { drain: false, end: null })
    assert.deepEqual([...first.ended, ...next.ended], [])
    const history = await send('/api/history?range=5m', {}, 'GET')
    assert.ok(history.text.includes(`{"type":"${shown}","by":"control","id":${target.id},`), history.text)
  })

test('the last server that is up may not be restarted or killed, and two commands do not end the last two', async () => {
  await using first = await startServer('web-1')
  for (const command of ['drain', 'restart', 'kill'])
    assert.equal((await post(`/api/servers/web-1/${command}`)).status, 409, command)
  const second = await startServer('web-2')
  const answers = await Promise.all([post('/api/servers/web-1/kill'), post('/api/servers/web-2/kill')])
  assert.deepEqual(answers.map(({ status }) => status).sort(), [200, 409])
  assert.equal(first.ended.length + second.ended.length, 1)
  await second[Symbol.asyncDispose]()
})

test('a command that is not acknowledged never takes effect later', { timeout: 60_000 }, async () => {
  await using _first = await startServer('web-1')
  await using target = await startServer('web-2')
  await target.freeze()
  const stays = setInterval(
    () => pools.write.query('UPDATE server SET last_seen_at = UTC_TIMESTAMP(3) WHERE id = ?', [target.id]),
    500,
  )
  const answer = await post('/api/servers/web-2/kill')
  clearInterval(stays)
  assert.equal(answer.status, 409)
  assert.match(answer.text, /"not_acknowledged".*web-2 has not acknowledged the request within 10 s\./)
  assert.equal((await readWish(pools.read, target.id, 1000)).end, null)
  const identity = { id: target.id, srv_id: srvIdOf('10.0.0.2:3000') }
  assert.equal(await takeEndWish(pools.write, identity, 'kill', 1000), false)
  // Nor does an old wish of a requester that was killed, or of a dump.
  await pools.write.query(
    "UPDATE server SET end_wanted = 'kill', end_wanted_at = UTC_TIMESTAMP(3) - INTERVAL 11 SECOND WHERE id = ?",
    [target.id],
  )
  assert.equal((await readWish(pools.read, target.id, 1000)).end, null)
  assert.equal(await takeEndWish(pools.write, identity, 'kill', 1000), false)
})

/** A frozen server that still counts as up, for as long as this is in scope. */
async function startFrozen(name: string) {
  const target = await startServer(name)
  await target.freeze()
  const stays = setInterval(
    () => pools.write.query('UPDATE server SET last_seen_at = UTC_TIMESTAMP(3) WHERE id = ?', [target.id]),
    500,
  )
  return {
    id: target.id,
    identity: { id: target.id, srv_id: srvIdOf(`10.0.0.${name.slice(4)}:3000`) },
    wish: () => readWish(pools.read, target.id, 5000),
    async [Symbol.asyncDispose]() {
      clearInterval(stays)
      await target[Symbol.asyncDispose]()
    },
  }
}

const noWish = { drain: false, end: null }

/** Another replica, whose connection to the database can fail. */
async function startReplicaWithProxy() {
  await using resources = new AsyncDisposableStack()
  const proxy = resources.use(await startDatabaseProxy(database.url))
  const own = openPools(proxy.url)
  resources.defer(() => closePools(own))
  const { port } = resources.use(await serve(own))
  const kept = resources.move()
  return {
    proxy,
    post: (path: string) => send(path, authorized, 'POST', port),
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  }
}

test('a request that is too old, or that has no requester any more, writes no wish', async () => {
  await pools.write.query('DELETE FROM server_event')
  await using _first = await startServer('web-1')
  await using target = await startServer('web-2')
  const cameAt = (secondsAgo: number) => ({ 'X-Arrived-At': String(Date.now() / 1000 - secondsAgo) })
  for (const command of ['kill', 'restart', 'drain']) {
    const late = await post(`/api/servers/web-2/${command}`, cameAt(10.5))
    assert.deepEqual([late.status, /"code":"(\w+)"/.exec(late.text)?.[1]], [409, 'too_late'], late.text)
  }
  let came = 0
  await using replica = await serve(pools, () => came++)
  await withControlLock(pools.write, async () => {
    const left = assert.rejects(send('/api/servers/web-2/kill', authorized, 'POST', replica.port))
    await eventually(() => came > 0)
    replica.closeConnections()
    await left
  })
  // The next command gets the lock after it.
  assert.equal((await post('/api/servers/web-2/undrain')).status, 200)
  assert.deepEqual(await recorded(), [])
  assert.deepEqual(target.ended, [])
  assert.deepEqual(await readWish(pools.read, target.id, 5000), noWish)
  assert.equal((await post('/api/servers/web-2/drain', cameAt(1))).status, 200)
})

test('if the database freezes until the end, the outcome is unknown, and nothing happens later', {
  timeout: 90_000,
}, async () => {
  await using _first = await startServer('web-1')
  await using killed = await startFrozen('web-2')
  await using drained = await startFrozen('web-3')
  await using replica = await startReplicaWithProxy()
  const answers = Promise.all([
    replica.post('/api/servers/web-2/kill'),
    replica.post('/api/servers/web-3/drain'),
  ])
  await eventually(async () => (await killed.wish()).end !== null && (await drained.wish()).drain)
  replica.proxy.silence()
  const [kill, drain] = await answers
  for (const [answer, what] of [
    [kill, 'web-2 may still be killed'],
    [drain, 'web-3 may still be drained'],
  ] as const) {
    assert.equal(answer.status, 503)
    assert.deepEqual(answer.body, {
      error: { code: 'outcome_unknown', message: `${what} within 10 s: the database does not answer.` },
    })
  }
  // As the answer says: a server takes no old wish.
  await eventually(async () => (await killed.wish()).end === null && !(await drained.wish()).drain)
  await replica.proxy.restore()
  assert.equal(await takeEndWish(pools.write, killed.identity, 'kill', 5000), false)
  assert.deepEqual([await killed.wish(), await drained.wish()], [noWish, noWish])
})

test('a command outlasts a short freeze of the database', { timeout: 60_000 }, async () => {
  await using _first = await startServer('web-1')
  await using target = await startFrozen('web-2')
  await using replica = await startReplicaWithProxy()
  const answer = replica.post('/api/servers/web-2/kill')
  await eventually(async () => (await target.wish()).end)
  replica.proxy.silence()
  assert.equal(await takeEndWish(pools.write, target.identity, 'kill', 5000), true)
  await replica.proxy.restore()
  assert.equal((await answer).status, 200, (await answer).text)
})

test('a wish whose writing had no answer is taken back', { timeout: 60_000 }, async () => {
  await using _first = await startServer('web-1')
  await using target = await startFrozen('web-2')
  await using replica = await startReplicaWithProxy()
  for (const [command, sql] of [
    ['kill', 'SET end_wanted ='],
    ['drain', 'SET drain_wanted ='],
  ] as const) {
    replica.proxy.trap(sql, { kind: 'hold-answer', forMs: 6000 })
    const answer = replica.post(`/api/servers/web-2/${command}`)
    await eventually(async () => (await target.wish()).end !== null || (await target.wish()).drain)
    // It has begun to drain, so it must end that too.
    if (command === 'drain')
      await writeHeartbeat(pools.write, target.identity, sampleHealth({ draining: true }), 5000)
    assert.match((await answer).text, /"database_unavailable"/)
    assert.deepEqual(await target.wish(), noWish)
  }
})

test('each outcome is in the log, without the token; of strangers only some', async () => {
  await using _first = await startServer('web-1')
  const lines: Record<string, unknown>[] = []
  const write = mock.method(log, 'warn', (_text: string, fields = {}) => void lines.push(fields))
  try {
    await post('/api/servers/web-1/kill')
    await post('/api/servers/web-9/kill')
    await post('/api/servers/%3Cb%3E/kill')
    await post('/api/servers/web-1/kill?x=1')
    assert.deepEqual(
      lines.map(({ target, outcome }) => [target, outcome]),
      [
        ['web-1', 'web-1 is the last server that is up: it may not be killed'],
        ['web-9', 'there is no server web-9, only web-1'],
        [undefined, 'There is no server with this name.'],
        ['web-1', lines[3]?.outcome],
      ],
    )
    lines.length = 0
    for (let tries = 0; tries < 100; tries++)
      await send('/api/servers/web-1/kill', { Authorization: `Bearer a-wrong-token-${tries}` })
    assert.match(String(lines[0]?.outcome), /^Control needs the token/)
    assert.ok(lines.length < 100, `${lines.length}`)
    assert.doesNotMatch(JSON.stringify(lines), /a-wrong-token-/)
  } finally {
    write.mock.restore()
  }
})
