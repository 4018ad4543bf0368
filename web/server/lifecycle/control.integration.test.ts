import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { eventually } from '../../../tools/lib/testing.ts'
import { openPooledDatabase } from '../../testing/endpoints.ts'
import { sampleHealth } from '../../testing/samples.ts'
import { readWish } from '../db/control.ts'
import { writeHeartbeat } from '../db/server-state.ts'
import { registerServer } from '../db/servers.ts'
import { srvIdOf } from '../identity.ts'
import { changeDrain } from './control.ts'

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
