import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { test } from 'node:test'
import { z } from 'zod'
import { visitMany } from '../../tools/lib/visitors.ts'
import { waitUntil } from '../../tools/lib/wait.ts'
import { docker, replicaContainers, runningReplicas } from './docker.ts'
import { changeDrainInContainer, readServers, serverIn } from './drain.ts'
import { takeProjectLock } from './project-lock.ts'
import { baseUrl, failuresOf, readSnapshot, settle } from './testing/board.ts'

const checks = z.array(z.looseObject({ Start: z.coerce.date(), ExitCode: z.number() }))

/** What Docker found each time it looked how a container is, since `moment`. */
async function checksSince(moment: Date, container: string): Promise<number[]> {
  const log = await docker(['inspect', '--format', '{{json .State.Health.Log}}', container])
  const since = checks.parse(JSON.parse(log)).filter(({ Start }) => Start > moment)
  return since.map(({ ExitCode }) => ExitCode)
}

test('a server that drains is given no new visitor, is not unwell, and takes new visitors again', async () => {
  await settle(3)
  const { servers } = await readSnapshot()
  const [draining] = servers.filter(({ state }) => state === 'up')
  assert.ok(draining)
  const { name } = draining
  assert.match(await changeDrainInContainer({ change: 'drain', name }), /its visitors stay, new ones go to/)
  try {
    const drainsSince = new Date()
    const newVisits = await visitMany(`${baseUrl}/`, { connections: 3, pageViews: 30 })
    assert.deepEqual(failuresOf(newVisits), [])
    assert.deepEqual(
      newVisits.filter(({ srvId }) => srvId === draining.srv_id),
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
  const newVisits = await visitMany(`${baseUrl}/`, { connections: 3, pageViews: 30 })
  assert.ok(newVisits.some(({ srvId }) => srvId === draining.srv_id))
})

/** What `npm run drain` prints, where no stack without Docker runs. `onPrinted` gets all so far, each time there is more. */
async function npmDrain(words: string[], onPrinted: (printed: string) => void = () => {}) {
  const command = spawn(
    process.execPath,
    [`${import.meta.dirname}/../../tools/launcher/drain.ts`, 'drain', ...words],
    {
      env: { ...process.env, DATA_DIR: `${import.meta.dirname}/no-stack-here` },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  )
  let printed = ''
  for (const stream of [command.stdout, command.stderr])
    stream.on('data', text => {
      printed += text
      onPrinted(printed)
    })
  const [status] = await once(command, 'close')
  return { status, printed }
}

/** Drains one, stops it by `stop`, and checks that this one is gone and no other. Its container has a name that the board does not show. */
async function expectToStop(stop: (name: string, outcome: string) => Promise<unknown>): Promise<void> {
  await settle(3)
  // The snapshots of two replicas differ for a moment: so what is looked at is what is waited for.
  let up: Awaited<ReturnType<typeof readSnapshot>>['servers'] = []
  const readUp = async () => {
    up = (await readSnapshot()).servers.filter(({ state }) => state === 'up')
    return up.length
  }
  await waitUntil('three are up', 15_000, async () => (await readUp()) === 3)
  const [draining, ...others] = up
  assert.ok(draining)
  const container = (await runningReplicas()).find(({ addresses }) => addresses.includes(draining.address))
  await docker(['rename', container?.id ?? '', `${process.env.COMPOSE_PROJECT_NAME}-renamed-${draining.id}`])
  await stop(draining.name, await changeDrainInContainer({ change: 'drain', name: draining.name }))
  await waitUntil('the board shows what has stopped', 15_000, async () => {
    const stopped = (await readSnapshot()).servers.filter(({ state }) => state === 'stopped')
    return stopped.some(({ id }) => id === draining.id) && (await readUp()) === 2
  })
  assert.deepEqual(
    up.map(({ id }) => id),
    others.map(({ id }) => id),
  )
  assert.equal((await replicaContainers()).length, 2)
}

test('what drain answers stops the server that drains, and no other', async () => {
  await expectToStop(async (_name, outcome) => {
    const container = /^ {2}docker stop (\S+) && docker rm \1$/m.exec(outcome)?.[1] ?? ''
    await docker(['stop', container])
    await docker(['rm', container])
  })
})

function setCookieLife(seconds: string): Promise<string> {
  return docker(['compose', 'up', '--detach', '--wait', 'nginx'], {
    environment: { STICKY_SECONDS: seconds },
  })
}

test('one command drains a server, waits as long as cookies live, and stops it', async () => {
  await setCookieLife('5')
  try {
    await expectToStop(async name => {
      const startedAt = performance.now()
      const { status, printed } = await npmDrain([name, '--stop'])
      assert.equal(status, 0, printed)
      assert.ok(performance.now() - startedAt > 5000)
      assert.match(printed, /drains already.*no page view for 5 s.*2 replicas are left/s)
    })
  } finally {
    await setCookieLife('300')
  }
})

/** The names on the board of those that take new visitors, once so many do. */
async function namesOfUp(count: number): Promise<string[]> {
  let names: string[] = []
  await waitUntil(`${count} are up`, 15_000, async () => {
    const { servers } = await readSnapshot()
    names = servers.filter(({ state }) => state === 'up').map(({ name }) => name)
    return names.length === count
  })
  return names
}

test('the last server that takes new visitors is not stopped', async () => {
  await settle(2)
  const [first = '', second = ''] = await namesOfUp(2)
  await changeDrainInContainer({ change: 'drain', name: first })
  try {
    await namesOfUp(1)
    const { status, printed } = await npmDrain([second, '--stop'])
    assert.equal(status, 1, printed)
    assert.match(
      printed,
      new RegExp(`${second} is not stopped: no other server is up and takes new visitors`),
    )
    assert.deepEqual(await namesOfUp(1), [second])
    const outcome = await changeDrainInContainer({ change: 'drain', name: second })
    assert.doesNotMatch(outcome, /docker stop/)
    assert.match(outcome, /do not stop it/)
  } finally {
    for (const name of [first, second]) await changeDrainInContainer({ change: 'undrain', name })
  }
  assert.equal((await runningReplicas()).length, 2)
})

test('a container that disappears while drain waits for a roll is reported in a sentence of drain', async () => {
  await settle(3)
  await namesOfUp(3)
  await setCookieLife('5')
  try {
    const replicas = await runningReplicas()
    const [victim, speaker] = replicas
    assert.ok(victim && speaker)
    const name = serverIn(victim, await readServers(speaker))?.name ?? ''
    const project = process.env.COMPOSE_PROJECT_NAME ?? ''
    const signal = AbortSignal.timeout(60_000)
    const lock = await takeProjectLock({ project, image: victim.image, signal, onWait() {} })
    let removal: Promise<unknown> | undefined
    const { status, printed } = await npmDrain([name, '--stop'], soFar => {
      if (soFar.includes('a roll is under way'))
        removal ??= lock.docker(['rm', '--force', victim.id]).finally(() => lock[Symbol.asyncDispose]())
    })
    await removal
    assert.equal(status, 1, printed)
    assert.match(printed, new RegExp(`no container of this project runs ${name} now`))
    assert.doesNotMatch(printed, /no such container/i)
  } finally {
    await setCookieLife('300')
  }
})

test('an unknown name is refused in a sentence of drain', async () => {
  await assert.rejects(changeDrainInContainer({ change: 'drain', name: 'nobody' }), {
    name: 'ControlRefused',
    message: /^there is no server nobody, only web-/,
  })
})
