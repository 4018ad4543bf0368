import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { eventually } from '../../../tools/lib/testing.ts'
import { openPooledDatabase } from '../../testing/endpoints.ts'
import { sampleBoardServer, sampleHealth } from '../../testing/samples.ts'
import { readWish } from '../db/control.ts'
import { type BoardServer, writeHeartbeat } from '../db/server-state.ts'
import { registerServer } from '../db/servers.ts'
import { srvIdOf } from '../identity.ts'
import { alreadyText, changeDrain, findServer, isLast, outcomeText, parseDrainRequest } from './control.ts'

const database = await openPooledDatabase()
const { pools } = database
after(database.close)

async function register(name: string, address: string) {
  const { id } = await registerServer(pools.write, { srvId: srvIdOf(address), address, name })
  const server = { id, srv_id: srvIdOf(address) }
  const say = (draining: boolean) => writeHeartbeat(pools.write, server, sampleHealth({ draining }), 1000)
  await say(false)
  return { id, say }
}

type Server = Awaited<ReturnType<typeof register>>

const ask = (change: 'drain' | 'undrain', name: string) => changeDrain(database.url, { change, name })

async function untilAsked(server: Server, wanted: boolean): Promise<void> {
  await eventually(async () => (await readWish(pools.read, server.id, 1000)).drain === wanted)
}

/** Acts as a replica: reads the drain request and acknowledges it. */
async function obey(server: Server, wanted: boolean): Promise<void> {
  await untilAsked(server, wanted)
  await server.say(wanted)
}

test('it waits until the server acknowledges draining, and the end of it', async () => {
  const server = await register('blue-1', '10.0.0.1:3000')
  await register('blue-2', '10.0.0.2:3000')
  let answered = false
  const draining = ask('drain', 'blue-1').finally(() => {
    answered = true
  })
  await untilAsked(server, true)
  assert.equal(answered, false)
  await server.say(true)
  assert.match(await draining, /^blue-1 drains: its visitors stay, new ones go to blue-2/)
  assert.equal(await ask('drain', 'blue-1'), 'blue-1 drains already')

  const [outcome] = await Promise.all([ask('undrain', 'blue-1'), obey(server, false)])
  assert.equal(outcome, 'blue-1 takes new visitors again')
  assert.match(await ask('undrain', 'blue-1'), /^blue-1 does not drain/)
})

test('a server that is lost meanwhile is no longer waited for, and the request is removed', async () => {
  const server = await register('green-1', '10.0.0.3:3000')
  const refused = assert.rejects(ask('drain', 'green-1'), /^ControlRefused: green-1 is lost/)
  await untilAsked(server, true)
  await pools.write.query('UPDATE server SET last_seen_at = last_seen_at - INTERVAL 7 SECOND WHERE id = ?', [
    server.id,
  ])
  await refused
  assert.equal((await readWish(pools.read, server.id, 1000)).drain, false)
})

test('the next instance at the same address has no drain request', async () => {
  const server = await register('red-1', '10.0.0.4:3000')
  await Promise.all([ask('drain', 'red-1'), obey(server, true)])
  const next = await register('red-1', '10.0.0.4:3000')
  assert.equal((await readWish(pools.read, next.id, 1000)).drain, false)
})

test('a name that no server has is refused', async () => {
  await assert.rejects(ask('drain', 'yellow-1'), /^ControlRefused: there is no server yellow-1/)
})

function server(name: string, changes: Partial<BoardServer> = {}): BoardServer {
  return sampleBoardServer({ id: Number(name.slice(4)), name, ...changes })
}

const three = [server('web-1'), server('web-2', { draining: true }), server('web-3')]

test('a server is found by its name, whether it drains or not', () => {
  for (const name of ['web-1', 'web-2']) assert.equal(findServer(three, name).name, name)
})

test('if a server that is gone had the name, the server that has it now is found', () => {
  const stopped = server('web-2', { id: 9, stopped: true })
  for (const servers of [
    [stopped, ...three],
    [...three, stopped],
  ])
    assert.equal(findServer(servers, 'web-2').id, 2)
})

for (const [what, servers, sentence] of [
  ['an unknown name', three, 'there is no server web-9, only web-1, web-2, web-3'],
  ['any name where nothing serves', [], 'there is no server web-9, nor any other'],
  ['a lost server', [server('web-9', { silentMs: 12_300 })], /^web-9 is lost: .* 12 s ago$/],
  ['a stopped server', [server('web-9', { stopped: true })], 'web-9 has stopped'],
  ['a server that is only starting', [server('web-9', { ready: false })], /^web-9 is still starting/],
] as const) {
  test(`${what} is refused with a reason`, () => {
    assert.throws(() => findServer([...servers], 'web-9'), { name: 'ControlRefused', message: sentence })
  })
}

test('the result names the servers that take new visitors', () => {
  assert.equal(
    outcomeText({ command: 'drain', name: 'web-2' }, three),
    'web-2 drains: its visitors stay, new ones go to web-1, web-3',
  )
  const all = three.map(({ name }) => server(name, { draining: true }))
  assert.match(outcomeText({ command: 'drain', name: 'web-2' }, all), /so does every other server/)
  assert.equal(outcomeText({ command: 'undrain', name: 'web-2' }, three), 'web-2 takes new visitors again')
})

test('the result says if there was nothing to do', () => {
  assert.equal(alreadyText({ command: 'drain', name: 'web-2' }), 'web-2 drains already')
  assert.match(alreadyText({ command: 'undrain', name: 'web-2' }), /^web-2 does not drain/)
})

test('a command names one server', () => {
  assert.deepEqual(parseDrainRequest(['drain', 'web-2']), { change: 'drain', name: 'web-2' })
  for (const words of [['drain'], ['drain', ''], ['drain', 'web-1', 'web-2'], ['stop', 'web-1']])
    assert.throws(() => parseDrainRequest(words), /name one server/)
})

test('a server is the last one if no other is up, whatever else is there', () => {
  const up = server('web-1')
  const draining = server('web-2', { draining: true })
  const ending = new Map([[3, { drain: false, end: 'kill' as const }]])
  for (const [who, others, last] of [
    [up, [], true],
    [up, [draining], true],
    [up, [server('web-3', { silentMs: 3500 })], true],
    [up, [server('web-3', { stopped: true })], true],
    [up, [server('web-3', { ready: false })], true],
    [up, [server('web-3')], true],
    [up, [server('web-4')], false],
    [draining, [up], false],
    [draining, [server('web-4', { draining: true })], false],
    [draining, [], true],
  ] as const)
    assert.equal(isLast(who, [who, ...others], ending), last, JSON.stringify(others))
  const drainWanted = new Map([[4, { drain: true, end: null }]])
  assert.equal(isLast(up, [up, server('web-4')], drainWanted), true)
})
