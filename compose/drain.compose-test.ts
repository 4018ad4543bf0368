import assert from 'node:assert/strict'
import { test } from 'node:test'
import { z } from 'zod'
import { visitMany } from '../e2e/load.ts'
import { docker } from './docker.ts'
import { changeDrainInContainer } from './drain.ts'
import { runningReplicas } from './replica-containers.ts'
import { baseUrl, failuresOf, readSnapshot, settle } from './testing/board.ts'
import { waitUntil } from './wait-until.ts'

const checks = z.array(z.looseObject({ Start: z.coerce.date(), ExitCode: z.number() }))

/** What Docker found each time it looked how a container is, since `moment`. */
async function checksSince(moment: Date, container: string): Promise<number[]> {
  const log = await docker(['inspect', '--format', '{{json .State.Health.Log}}', container])
  const since = checks.parse(JSON.parse(log)).filter(({ Start }) => Start > moment)
  return since.map(({ ExitCode }) => ExitCode)
}

test('a server that drains is given no stranger, is not unwell, and takes strangers again', async () => {
  await settle(3)
  const { servers } = await readSnapshot()
  const [draining] = servers.filter(({ state }) => state === 'up')
  assert.ok(draining)
  const { name } = draining
  assert.match(await changeDrainInContainer({ change: 'drain', name }), /its visitors stay, new ones go to/)
  try {
    const drainsSince = new Date()
    const strangers = await visitMany(`${baseUrl}/`, { connections: 3, pageViews: 30 })
    assert.deepEqual(failuresOf(strangers), [])
    assert.deepEqual(
      strangers.filter(({ srvId }) => srvId === draining.srv_id),
      [],
    )
    for (const { id } of await runningReplicas()) {
      await waitUntil('Docker looked how it is', 30_000, async () => {
        return (await checksSince(drainsSince, id)).length > 0
      })
      assert.deepEqual(new Set(await checksSince(drainsSince, id)), new Set([0]))
    }
  } finally {
    assert.equal(
      await changeDrainInContainer({ change: 'undrain', name }),
      `${name} takes new visitors again`,
    )
  }
  const strangers = await visitMany(`${baseUrl}/`, { connections: 3, pageViews: 30 })
  assert.ok(strangers.some(({ srvId }) => srvId === draining.srv_id))
})

test('a name that no server has is refused in words of its own', async () => {
  await assert.rejects(changeDrainInContainer({ change: 'drain', name: 'nobody' }), {
    name: 'DrainRefused',
    message: /^there is no server nobody, only web-/,
  })
})
