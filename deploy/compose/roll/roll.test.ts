import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { UnfinishedRoll } from '../project-lock.ts'
import { roll } from '../testing/board.ts'
import { lookUpMs } from './replacement.ts'
import { type Found, orderedMeanwhile, orderedWhileStarting, planRoll } from './roll-state.ts'

const newest = { image: 'sha256:2', configHash: 'a' }

let ids = 0
const replica = (version = newest, running = true) => ({
  ...version,
  running,
  id: String(++ids),
  number: ids,
})
const older = (running = true) => replica({ image: 'sha256:1', configHash: 'a' }, running)
const idsOf = (replicas: { id: string }[]) => replicas.map(({ id }) => id)

type Replica = ReturnType<typeof replica>

/** What a roll leaves that was cut short while it started three beside those with these ids. */
const cutShort = (old: string[]): UnfinishedRoll => {
  const there = old.map(id => ({ id, number: Number(id) || 0 }))
  return { wanted: 3, old, there, ordered: 3 }
}

const plan = (replicas: Replica[], found: Partial<Found> = {}) =>
  planRoll(replicas, newest, { unfinished: null, atStart: idsOf(replicas), ...found })

test('a roll waits until NGINX has looked up the new replicas, one second longer than a slow look-up takes', () => {
  const template = readFileSync(
    join(import.meta.dirname, '../../../nginx/conf/replicas.conf.template'),
    'utf8',
  )
  const valid = Number(/^resolver .* valid=(\d+)s /m.exec(template)?.[1])
  const timeout = Number(/^resolver_timeout (\d+)s;/m.exec(template)?.[1])
  assert.equal(lookUpMs, (valid + timeout + 1) * 1000)
})

test('as many new ones are started as old ones run', () => {
  const old = [older(), older(), older()]
  assert.deepEqual(plan(old), { wanted: 3, stopped: [], old, kept: [], missing: 3 })
})

test('a change of docker-compose.yml makes a new version too', () => {
  const running = [replica({ ...newest, configHash: 'b' })]
  assert.deepEqual(plan(running), { wanted: 1, stopped: [], old: running, kept: [], missing: 1 })
})

test('cut short while it started the new ones, it starts those that are missing', () => {
  const [old, kept] = [[older(), older(), older()], [replica()]]
  assert.deepEqual(plan([...old, ...kept]), { wanted: 3, stopped: [], old, kept, missing: 2 })
})

test('cut short while it stopped the old ones, it only stops the rest', () => {
  const [old, kept] = [[older()], [replica(), replica(), replica()]]
  assert.deepEqual(plan([...old, ...kept]), { wanted: 3, stopped: [], old, kept, missing: 0 })
})

test('if all are new already, all are replaced', () => {
  const running = [replica(), replica()]
  assert.deepEqual(plan(running), { wanted: 2, stopped: [], old: running, kept: [], missing: 2 })
})

test('a stopped replica is removed, whatever its version, and another one is started', () => {
  for (const stopped of [older(false), replica(newest, false)]) {
    const running = stopped.image === newest.image ? [replica(), replica()] : [older(), older()]
    const { wanted, missing, ...rest } = plan([stopped, ...running])
    assert.deepEqual(rest, { stopped: [stopped], old: running, kept: [] })
    assert.deepEqual([wanted, missing], [3, 3])
  }
})

test('replicas that another roll has just started are not replaced again if they have the newest version', () => {
  const fresh = [replica(), replica(), replica()]
  const done = { wanted: 3, stopped: [], old: [], kept: fresh, missing: 0 }
  assert.deepEqual(plan(fresh, { atStart: ['gone'] }), done)
  const outdated = [older(), older()]
  assert.deepEqual(plan(outdated, { atStart: ['gone'] }).old, outdated)
})

/** Each state in which a roll of three can be cut short: what runs, what only exists, and what is new. */
function* statesOfRoll(makeOld: (running?: boolean) => Replica) {
  const state = (runs: number, stopped: number, fresh: Replica[]) => {
    const old = [
      ...Array.from({ length: stopped }, () => makeOld(false)),
      ...Array.from({ length: runs }, () => makeOld()),
    ]
    return { old, fresh }
  }
  const three = (running: boolean) => Array.from({ length: 3 }, () => replica(newest, running))
  for (let started = 0; started <= 3; started++) {
    yield state(3, 0, three(true).slice(0, started))
    yield state(
      3,
      0,
      three(true).map((one, index) => ({ ...one, running: index < started })),
    )
  }
  for (let stopped = 1; stopped <= 3; stopped++) yield state(3 - stopped, stopped, three(true))
  for (let left = 2; left >= 1; left--) yield state(0, left, three(true))
}

const another = (running = true) => replica({ image: 'sha256:0', configHash: 'c' }, running)

for (const [what, makeOld] of [
  ['of an older version', older],
  ['of the newest version, as in a restart', (running = true) => replica(newest, running)],
  ['of two versions ago', another],
] as const) {
  test(`three that were ${what} are three after a roll that was cut short anywhere`, () => {
    for (const { old, fresh } of statesOfRoll(makeOld)) {
      // What is gone by now stood in the record as well.
      const unfinished = cutShort([...idsOf(old), ...Array(3 - old.length).fill('gone')])
      const { wanted, stopped, old: ends, kept, missing } = plan([...old, ...fresh], { unfinished })
      assert.equal(wanted, 3)
      assert.deepEqual(
        ends,
        old.filter(({ running }) => running),
      )
      assert.deepEqual(
        kept,
        fresh.filter(({ running }) => running),
      )
      assert.equal(kept.length + missing, 3)
      assert.ok(stopped.every(({ running }) => !running))
    }
  })
}

test('a roll of a newer version that follows one cut short ends with as many as the first found', () => {
  const old = [another(), another(), another()]
  const between = [older(), older()]
  const unfinished = cutShort(idsOf(old))
  const { wanted, old: ends, kept, missing } = plan([...old, ...between], { unfinished })
  assert.deepEqual(
    { wanted, ends, kept, missing },
    { wanted: 3, ends: [...old, ...between], kept: [], missing: 3 },
  )
})

test('what an earlier roll left counts no more once none of its old ones is there', () => {
  const running = Array.from({ length: 5 }, () => replica())
  assert.equal(plan(running, { unfinished: cutShort(['gone']) }).wanted, 5)
})

test('more than a roll can leave were asked for since', () => {
  const old = [older(), older(), older()]
  const fresh = Array.from({ length: 5 }, () => replica())
  assert.equal(plan([...old, ...fresh], { unfinished: cutShort(idsOf(old)) }).wanted, 8)
})

/** What a roll leaves that gave up, and put back what it could. */
const gaveUp = (left: Replica[]): UnfinishedRoll => ({ wanted: 3, old: [], there: left, ordered: 0 })

test('a roll that failed after one was cut short leaves as many wanted as the first found', () => {
  const left = [another(), another(), another(), older(), older(), older()]
  const { wanted, old, missing } = plan(left, { unfinished: gaveUp(left) })
  assert.deepEqual({ wanted, old, missing }, { wanted: 3, old: left, missing: 3 })
})

test('a roll that failed after it had removed a stopped one leaves as many wanted as were there', () => {
  const left = [older(), older()]
  assert.equal(plan(left, { unfinished: gaveUp(left) }).wanted, 3)
})

test('what was asked for after a roll that failed counts', () => {
  const left = [older(), older()]
  const scaledUp = [...left, replica(), replica(), replica()]
  assert.equal(plan(scaledUp, { unfinished: gaveUp(left) }).wanted, 5)
  const six = [...left, ...scaledUp.slice(2), replica()]
  assert.equal(plan(six.slice(0, 4), { unfinished: gaveUp(six) }).wanted, 4)
})

test('what was asked for after a roll that was cut short counts, up or down', () => {
  const old = [older(), older(), older()]
  const fresh = [replica(), replica(), replica()]
  const there = [...old, ...fresh]
  const unfinished = { wanted: 3, old: idsOf(old), there, ordered: 0 }
  assert.equal(plan(there, { unfinished }).wanted, 3)
  assert.equal(plan([...old.slice(2), ...fresh], { unfinished }).wanted, 3)
  assert.equal(plan(there.slice(0, 5), { unfinished }).wanted, 5)
  assert.equal(plan([...fresh, replica(), replica()], { unfinished }).wanted, 5)
  assert.equal(plan(fresh.slice(0, 2), { unfinished }).wanted, 2)
})

const numbered = (...numbers: number[]) => numbers.map(number => ({ id: `web-${number}`, number }))

for (const [what, known, now, asked] of [
  ['nothing', [1, 2, 3], [1, 2, 3], null],
  ['scaled up', [1, 2, 3], [1, 2, 3, 4, 5], 5],
  ['scaled down', [1, 2, 3, 4, 5, 6], [1, 2, 3, 4, 5], 5],
  ['scaled down to one', [1, 2, 3], [1], 1],
  ['one removed by hand', [1, 2, 3, 4], [1, 3, 4], null],
  ['one replaced', [1, 2, 3], [1, 2, 7], 3],
] as const) {
  test(`what another command asked for meanwhile: ${what}`, () => {
    assert.equal(orderedMeanwhile(numbered(...known), numbered(...now)), asked)
  })
}

for (const [what, now, asked, collidedWith = ''] of [
  ['nothing', [1, 2, 3, 4, 5, 6], null],
  ['more than both together', [1, 2, 3, 4, 5, 6, 7, 8], 8],
  ['fewer than both together', [1, 2, 3, 4], 4],
  ['fewer than before', [1, 2], 2],
  ['one removed by hand', [1, 3, 4, 5, 6], null],
  ['another took the first name, and the roll got the others', [1, 2, 3, 4, 5, 6], 6, 'web-4'],
  ['another took the first name, and the roll got none', [1, 2, 3, 4], 4, 'web-4'],
  ['a name that something else has', [1, 2, 3, 5], null, 'another'],
] as const) {
  test(`what another command asked for while three were started beside three: ${what}`, () => {
    const start = { ordered: 3, old: ['web-1', 'web-2', 'web-3'], collidedWith }
    assert.equal(orderedWhileStarting(numbered(1, 2, 3), numbered(...now), start), asked)
  })
}

/** Where no `docker` can be found, so that nothing but a refusal can be the end. */
const environment = { PATH: import.meta.dirname }

for (const words of [['-p', 'x'], ['-f', 'other.yml'], ['web'], ['--project-name=x']]) {
  test(`npm run roll -- ${words.join(' ')} is refused, and says how to choose a project`, async () => {
    const { status, printed } = await roll(environment, () => {}, words)
    assert.equal(status, 1)
    assert.ok(printed.startsWith(`roll: unknown option: ${words.join(' ')};`), printed)
    assert.match(printed, /COMPOSE_PROJECT_NAME=NAME npm run roll/)
  })
}

test('npm run roll -- --help says how to choose a project, and does nothing', async () => {
  const { status, printed } = await roll(environment, () => {}, ['--help'])
  assert.equal(status, 0)
  assert.match(printed, /^roll: the command takes no options.*COMPOSE_PROJECT_NAME=NAME npm run roll\n$/)
})

for (const [command, ...words] of [
  ['audit', '-p', 'x'],
  ['audit', '--help'],
  ['drain', 'drain', '--project-name=x', 'web-2'],
  ['drain', 'undrain', '-p', 'x', 'web-2'],
  ['drain', 'drain', '--help'],
] as const) {
  test(`${command} ${words.join(' ')} is refused in the same way`, async () => {
    const child = spawn(
      process.execPath,
      [`${import.meta.dirname}/../../../tools/launcher/${command}.ts`, ...words],
      {
        env: { ...process.env, ...environment },
        stdio: ['ignore', 'pipe', 'pipe'],
      },
    )
    let printed = ''
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', text => {
        printed += text
      })
    const [status] = await once(child, 'close')
    assert.equal(status, 1)
    assert.match(printed, /unknown option: .*COMPOSE_PROJECT_NAME=NAME npm run/)
  })
}
