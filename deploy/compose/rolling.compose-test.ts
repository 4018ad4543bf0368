import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { temporaryFolder } from '../../tools/lib/testing.ts'
import type { Answer } from '../../tools/lib/visitors.ts'
import { waitUntil } from '../../tools/lib/wait.ts'
import { compose, docker, isHealthy, lines, replicaContainers, runningReplicas } from './docker.ts'
import {
  readUnfinishedRoll,
  removeUnfinishedRoll,
  takeProjectLock,
  writeUnfinishedRoll,
} from './project-lock.ts'
import {
  expectLogged,
  failuresOf,
  readSnapshot,
  reportLoad,
  roll,
  settle,
  visitWhile,
} from './testing/board.ts'

async function idsOfReplicas(): Promise<string[]> {
  return (await runningReplicas()).map(({ id }) => id).toSorted()
}

/** The servers that one visitor's page views reached, each time that it was another. */
function serversInTurn(visits: Answer[]): (string | null)[] {
  const servers = visits.filter(({ status }) => status === 200).map(({ srvId }) => srvId)
  return servers.filter((srvId, index) => srvId !== servers[index - 1])
}

/** That only so many replicas are there, none of them stopped, all healthy and of one and the same version. */
async function expectReplicas(count: number, stickySeconds: string): Promise<void> {
  const replicas = await replicaContainers()
  assert.deepEqual(
    replicas.map(replica => isHealthy(replica)),
    Array(count).fill(true),
  )
  for (const { id } of replicas) {
    const environment = await docker(['inspect', '--format', '{{json .Config.Env}}', id])
    assert.ok(environment.includes(`"STICKY_SECONDS=${stickySeconds}"`), environment)
  }
}

test('rolling under load replaces every replica, moves each visitor once and fails no page view', async t => {
  await settle(3)
  const old = await idsOfReplicas()
  const { counter: before } = await readSnapshot()
  const version = { STICKY_SECONDS: '301' }
  const visits = await visitWhile(async () => {
    // Another life of the cookie makes another version of the replicas.
    const { status, printed } = await roll(version)
    assert.equal(status, 0, printed)
    assert.match(printed, /done: 3 replicas of the newest version serve/)
    // NGINX is not part of a roll, so the board and the cookie differ, which must be reported.
    assert.match(printed, /NGINX .* former settings: STICKY_SECONDS is 300 and not 301/)
  })
  reportLoad(t, visits.all)
  assert.deepEqual(failuresOf(visits.all), [])
  await expectLogged(visits.all, before)
  for (const answers of visits.fromReturning) {
    const servers = serversInTurn(answers)
    assert.ok(servers.length <= 2, `a visitor was moved twice: ${servers}`)
  }
  const now = await idsOfReplicas()
  assert.equal(now.length, 3)
  assert.deepEqual(
    now.filter(id => old.includes(id)),
    [],
  )
  // Without NGINX, which is not part of a roll and would change now.
  await docker(['compose', 'up', '--detach', 'web'], { environment: version })
  assert.deepEqual(await idsOfReplicas(), now, 'up -d after a roll replaced replicas')
})

test('a version that cannot start leaves the old replicas as they were, and says why', async () => {
  await settle(3)
  const old = await idsOfReplicas()
  const { status, printed } = await roll({ STICKY_SECONDS: 'soon' })
  assert.equal(status, 1)
  assert.match(printed, /STICKY_SECONDS/)
  assert.match(printed, /serve on/)
  assert.deepEqual(await idsOfReplicas(), old)
})

/** ms that the test of each way to fail, and its load, may take on a slow machine */
const allFailuresMs = 900_000

test('after a roll that fails in any way plain up -d replaces nothing, no page view fails, and the next roll works', {
  timeout: allFailuresMs,
}, async t => {
  // With the settings of the project, whatever the test before left.
  await compose('up', '--detach', '--wait')
  await settle(3) // until NGINX has looked up the new servers, too
  const old = await idsOfReplicas()
  await using folder = await temporaryFolder()
  let versions = 0
  /** Settings of another version, with another image. */
  const version = (services: object = {}) => {
    const labels = { 'board.test': `version ${++versions}` }
    const file = join(folder.path, `${versions}.json`)
    writeFileSync(file, JSON.stringify({ services: { web: { build: { labels } }, ...services } }))
    return { COMPOSE_FILE: `docker-compose.yml:${file}` }
  }
  const cannotMigrate = () => version({ migrate: { command: ['false'] } })
  const expectNothingReplaced = async (after: string) => {
    await compose('up', '--detach')
    assert.deepEqual(await idsOfReplicas(), old, `up -d after a roll that ${after} replaced replicas`)
  }
  const visits = await visitWhile(async () => {
    const unhealthy = await roll({ ...version(), STICKY_SECONDS: 'soon', ADMIN_TOKEN: 'another-0123456789' })
    assert.equal(unhealthy.status, 1)
    await expectNothingReplaced('started no healthy replica')
    assert.match(unhealthy.printed, /is the version that serves\./)
    assert.match(
      unhealthy.printed,
      /up -d with the settings of this roll would replace or remove \S+, \S+, \S+ together/,
    )

    const unmigrated = await roll(cannotMigrate())
    assert.equal(unmigrated.status, 1, unmigrated.printed)
    await expectNothingReplaced('could not migrate')
    assert.match(unmigrated.printed, /is the version that serves\./)
    assert.doesNotMatch(unmigrated.printed, /would replace/)

    for (const step of ['building', 'waiting']) {
      const closed = await roll(version(), (soFar, _kill, closeTerminal) => {
        if (soFar.includes(`roll: ${step} `)) closeTerminal()
      })
      assert.equal(closed.status, 1, closed.printed)
      await expectNothingReplaced(`was stopped at ${step}`)
    }

    const killed = await roll(version(), (soFar, kill) => {
      if (soFar.includes('roll: migrating ')) kill()
    })
    assert.equal(killed.status, null, killed.printed)
    assert.equal((await roll(cannotMigrate())).status, 1)
    await expectNothingReplaced('was killed, and one that failed')

    const last = await roll(version())
    assert.equal(last.status, 0, last.printed)
  }, allFailuresMs)
  reportLoad(t, visits.all)
  assert.deepEqual(failuresOf(visits.all), [])
  await expectReplicas(3, '300')
})

/** ms that the test of many rolls, and its load, may take on a slow machine */
const allKillsMs = 1_200_000

const steps = ['building', 'migrating', 'starting', 'waiting', 'draining', 'stopping', 'removing']

/** Rolls to a version, is killed at each of `steps`, then rolls to the end. */
async function rollKilledAt(steps: string[], version: Record<string, string>): Promise<void> {
  for (const step of steps) {
    const { status, printed } = await roll(version, (soFar, kill) => {
      if (soFar.includes(`roll: ${step} `)) kill()
    })
    assert.equal(status, null, `it ended before ${step}: ${printed}`)
    // A roll that counts the new replicas of an earlier one as wanted would double them each time.
    assert.ok((await replicaContainers()).length <= 6, `more than three and their successors: ${printed}`)
  }
  const { status, printed } = await roll(version)
  assert.equal(status, 0, printed)
  assert.match(printed, /done: 3 replicas of the newest version serve/)
}

test('rolls that are killed at each of their steps, then one to its end: as many as before, and no page view fails', {
  timeout: allKillsMs,
}, async t => {
  await settle(3)
  const version = { STICKY_SECONDS: '302' }
  const visits = await visitWhile(async () => {
    await rollKilledAt(steps, version)
  }, allKillsMs)
  reportLoad(t, visits.all)
  assert.deepEqual(failuresOf(visits.all), [])
  await expectReplicas(3, '302')

  // Of the same version: only the record of the killed roll says which of the six are to be replaced.
  const started = await idsOfReplicas()
  await rollKilledAt(steps.slice(steps.indexOf('waiting')), version)
  await expectReplicas(3, '302')
  const now = await idsOfReplicas()
  assert.deepEqual(
    now.filter(id => started.includes(id)),
    [],
  )
})

test('two rolls at the same time: one waits for the other, and there are as many as before', async t => {
  await settle(3)
  const visits = await visitWhile(async () => {
    const rolls = await Promise.all([roll({ STICKY_SECONDS: '303' }), roll({ STICKY_SECONDS: '303' })])
    for (const { status, printed } of rolls) {
      assert.equal(status, 0, printed)
      assert.match(printed, /done: 3 replicas of the newest version serve/)
    }
    const waited = rolls.filter(({ printed }) => printed.includes('another roll is under way'))
    assert.equal(waited.length, 1)
    // The replicas of the first roll have the newest version, so no visitor moves again.
    assert.doesNotMatch(waited[0]?.printed ?? '', /starting|stopping/)
  })
  reportLoad(t, visits.all)
  assert.deepEqual(failuresOf(visits.all), [])
  await expectReplicas(3, '303')
})

test('a replica that was stopped does not come back as one of the new version, and scaling meanwhile counts', async t => {
  await settle(3)
  const [stopped] = await runningReplicas()
  await docker(['stop', stopped?.id ?? ''])
  const visits = await visitWhile(async () => {
    let scaling: Promise<string> | undefined
    const { status, printed } = await roll({ STICKY_SECONDS: '304' }, soFar => {
      if (soFar.includes('roll: waiting '))
        scaling ??= compose('up', '--detach', '--no-recreate', '--scale', 'web=4')
    })
    await scaling
    assert.equal(status, 0, printed)
    assert.match(printed, /another command has scaled to 4/)
    assert.match(printed, /done: 4 replicas of the newest version serve/)
  })
  reportLoad(t, visits.all)
  assert.deepEqual(failuresOf(visits.all), [])
  await expectReplicas(4, '304')
})

/** ms that three rolls may take on a slow machine */
const threeRollsMs = 600_000

/** A version that cannot start. */
const broken = { STICKY_SECONDS: 'soon' }

test('a roll that fails after one was killed does not lose how many were wanted, and one whose terminal closes goes on', {
  timeout: threeRollsMs,
}, async () => {
  await settle(3)
  const { status, printed } = await roll({ STICKY_SECONDS: '305' }, (soFar, kill) => {
    if (soFar.includes('roll: waiting ')) kill()
  })
  assert.equal(status, null, printed)
  const failed = await roll(broken)
  assert.equal(failed.status, 1)
  assert.match(failed.printed, /The 6 replicas that ran before serve on/)
  const last = await roll({ STICKY_SECONDS: '306' }, (soFar, _kill, closeTerminal) => {
    if (soFar.includes('roll: stopping ')) closeTerminal()
  })
  assert.equal(last.status, 0, last.printed)
  await expectReplicas(3, '306')
})

test('a roll that fails says how many serve, and a stopped replica that it removed is made up for', async () => {
  await settle(3)
  const [stopped, paused] = await runningReplicas()
  await docker(['stop', stopped?.id ?? ''])
  await docker(['pause', paused?.id ?? ''])
  const failed = await roll(broken)
  assert.equal(failed.status, 1)
  assert.match(failed.printed, /Of the 2 replicas that ran before, 1 serves on/)
  await docker(['unpause', paused?.id ?? ''])
  const last = await roll({ STICKY_SECONDS: '307' })
  assert.equal(last.status, 0, last.printed)
  await expectReplicas(3, '307')
})

test('another command that scales while a roll starts counts, and what it starts is replaced', async () => {
  await settle(1)
  let scaling: Promise<string> | undefined
  const scaleOnceMoreAreThere = async () => {
    await waitUntil('the roll has made its containers', 60_000, async () => {
      return (await replicaContainers()).length === 2
    })
    // Of the settings before the roll.
    return compose('up', '--detach', '--no-recreate', '--scale', 'web=3')
  }
  const { status, printed } = await roll({ STICKY_SECONDS: '308' }, soFar => {
    if (soFar.includes('roll: starting ')) scaling ??= scaleOnceMoreAreThere()
  })
  await scaling
  assert.equal(status, 0, printed)
  assert.match(printed, /scaling to exactly 2 changes nothing, so this roll cannot see it/)
  assert.match(printed, /another command has scaled to 3/)
  assert.match(printed, /done: 3 replicas of the newest version serve/)
  await expectReplicas(3, '308')
})

/** Commands of Docker that change nothing, and the lock. */
const changesNothing =
  /^(run --rm --interactive|inspect|logs|image inspect|volume inspect|compose --ansi never (ps|config)|exec \w+ (node -e|timeout)) /

test('containers of docker compose run are no replicas, each command that changes something holds the lock, and a roll is done once all serve', async () => {
  await settle(2)
  await using folder = await temporaryFolder()
  const log = join(folder.path, 'log')
  const paused = join(folder.path, 'paused')
  const mine = ['--filter', `label=com.docker.compose.project=${process.env.COMPOSE_PROJECT_NAME}`]
  // In front of Docker's command: it logs each call, and whether that has the pipe to the lock. Before the roll removes the old
  // replicas, it pauses a new one. That one goes on after the roll has counted four times that the other one serves.
  const program = `#!/bin/sh
[ -e /proc/self/fd/3 ] && lock=held || lock=free
printf '%s %s\n' $lock "$*" >> '${log}'
PATH=$DOCKER_PATH
case "$*" in
'rm --force '*)
  docker ps --quiet ${mine.join(' ')} --filter label=com.docker.compose.service=web \
    --filter label=com.docker.compose.oneoff=False | head -n 1 >'${paused}'
  docker pause "$(cat '${paused}')" >>'${log}.pause' 2>&1
  ;;
'exec '*' timeout '*)
  [ "$(grep -c '^free exec .* timeout ' '${log}')" != 4 ] || docker unpause "$(cat '${paused}')" >>'${log}.pause' 2>&1
  ;;
esac
exec docker "$@"
`
  writeFileSync(join(folder.path, 'docker'), program, { mode: 0o755 })
  const oneOff = (await compose('run', '--detach', '--no-deps', 'web')).trim()
  try {
    await compose('run', '--no-deps', '-T', 'web', 'true')
    const path = process.env.PATH ?? ''
    const environment = { STICKY_SECONDS: '309', DOCKER_PATH: path, PATH: `${folder.path}:${path}` }
    const { status, printed } = await roll(environment)
    assert.equal(status, 0, printed)
    assert.match(printed, /done: 2 replicas of the newest version serve/)
    await expectReplicas(2, '309')
    assert.equal((await docker(['inspect', '--format', '{{.State.Running}}', oneOff])).trim(), 'true')
    const calls = readFileSync(log, 'utf8').trim().split('\n')
    const held = calls.filter(call => call.startsWith('held ')).map(call => call.slice(5))
    const free = calls.filter(call => call.startsWith('free ')).map(call => call.slice(5))
    assert.deepEqual(
      free.filter(call => !changesNothing.test(call)),
      [],
    )
    for (const change of [
      'build',
      'run --rm --no-deps -T secrets',
      'exec -T mysql',
      'volume create',
      'web/drain.mjs',
    ])
      assert.ok(
        held.some(call => call.includes(change)),
        `none holds the lock: ${change}`,
      )
  } finally {
    const all = ['ps', '--all', '--quiet', '--filter', 'label=com.docker.compose.oneoff=True']
    const oneOffs = lines(await docker([...all, ...mine]))
    await docker(['rm', '--force', ...oneOffs])
    for (const { id, state } of await replicaContainers())
      if (state === 'paused') await docker(['unpause', id])
  }
})

test('what a roll leaves for the next can be read at each moment in which it is written', async () => {
  const project = `${process.env.COMPOSE_PROJECT_NAME}-record`
  const read: unknown[] = []
  const lock = {
    async docker(parameters: string[]) {
      const printed = await docker(parameters)
      read.push((await readUnfinishedRoll(project))?.wanted)
      return printed
    },
  }
  const unfinished = { wanted: 1, old: ['a'], there: [{ id: 'a', number: 1 }], ordered: 2 }
  try {
    await writeUnfinishedRoll(lock, project, unfinished)
    for (let wanted = 2; wanted <= 4; wanted++) {
      read.length = 0
      await writeUnfinishedRoll(lock, project, { ...unfinished, wanted })
      assert.deepEqual(read, [wanted - 1, wanted, wanted])
    }
    assert.deepEqual(await readUnfinishedRoll(project), { ...unfinished, wanted: 4 })
  } finally {
    await removeUnfinishedRoll(lock, project)
  }
  assert.equal(await readUnfinishedRoll(project), null)
  assert.equal(await docker(['volume', 'ls', '--quiet', '--filter', `name=${project}`]), '')
})

test('a lock that was created and never started is removed', async () => {
  await settle(1)
  const [replica] = await runningReplicas()
  const image = replica?.image ?? ''
  const project = `${process.env.COMPOSE_PROJECT_NAME}-lock`
  await docker(['create', '--name', `${project}-roll`, '--entrypoint', 'cat', image])
  try {
    const signal = AbortSignal.timeout(60_000)
    await using lock = await takeProjectLock({ project, image, signal, onWait() {} })
    assert.match(await lock.docker(['version']), /Version/)
  } finally {
    await docker(['rm', '--force', `${project}-roll`]).catch(() => {})
  }
})

test('the lock of a killed roll ends, and the next roll gets it', async () => {
  await settle(1)
  const [replica] = await runningReplicas()
  const options = { project: `${process.env.COMPOSE_PROJECT_NAME}-killed`, image: replica?.image ?? '' }
  const name = `${options.project}-roll`
  const holder = spawn(
    process.execPath,
    [
      '--input-type=module',
      '-e',
      `const { takeProjectLock } = await import(${JSON.stringify(import.meta.resolve('./project-lock.ts'))})
      const { signal } = new AbortController()
      await takeProjectLock({ ...${JSON.stringify(options)}, signal, onWait() {} })
      console.log('held')
      await new Promise(resolve => setTimeout(resolve, 300_000))`,
    ],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  )
  try {
    await once(holder.stdout, 'data')
    const container = await docker(['inspect', '--format', '{{.Id}} {{.State.Status}}', name])
    assert.match(container, / running/)
    holder.kill('SIGKILL')
    await using lock = await takeProjectLock({ ...options, signal: AbortSignal.timeout(60_000), onWait() {} })
    assert.match(await lock.docker(['version']), /Version/)
    const next = await docker(['inspect', '--format', '{{.Id}} {{.State.Status}}', name])
    assert.notEqual(next, container)
  } finally {
    holder.kill('SIGKILL')
    await docker(['rm', '--force', name]).catch(() => {})
  }
})
