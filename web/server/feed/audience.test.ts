import assert from 'node:assert/strict'
import { IncomingMessage, ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import { test } from 'node:test'
import type { Snapshot } from '../../shared/api.ts'
import { Audience } from './audience.ts'
import { type LiveEvent, plain } from './event-coding.ts'

const snapshot: Snapshot = { counter: 0, at: '', servers: [], earlier_hits: 0, log: [] }
const change = (counter: number): LiveEvent => ['change', { ...snapshot, counter }]

const whole: LiveEvent[] = [['snapshot', { ...snapshot, counter: 9 }]]

/** An audience of as many streams, and what each was told. */
function gather(count: number) {
  const encoded: LiveEvent[] = []
  const clock = { now: 0 }
  const coding = {
    ...plain,
    encode(event: LiveEvent) {
      encoded.push(event)
      return plain.encode(event)
    },
  }
  const audience = new Audience(coding, () => clock.now)
  const streams = Array.from({ length: count }, () => join(audience))
  return { audience, streams, encoded, clock }
}

function join(audience: Audience) {
  const response = new ServerResponse(new IncomingMessage(new Socket()))
  const told: string[] = []
  response.write = (piece: unknown) => told.push(String(piece)) > 0
  // How much of it the client has yet to take.
  let waiting = 0
  Object.defineProperty(response, 'writableLength', { get: () => waiting })
  const setWaiting = (bytes: number) => {
    waiting = bytes
  }
  audience.add(response, [['snapshot', snapshot]])
  return { response, told, setWaiting }
}

test('an event is encoded once for all, and so is the board that all begin with', async () => {
  const { audience, streams, encoded } = gather(250)
  await audience.send(change(1), whole)
  assert.equal(encoded.length, 2)
  assert.ok(streams.every(({ told }) => told.length === 2 && told[1] === streams[0]?.told[1]))
})

test('while many are told, others of the process have their turn', async () => {
  const { audience, streams } = gather(1000)
  const told = audience.send(change(1), whole)
  const waiting = () => streams.filter(stream => stream.told.length === 1).length
  const { promise: turn, resolve } = Promise.withResolvers<number>()
  setImmediate(() => resolve(waiting()))
  assert.ok((await turn) > 0)
  await told
  assert.equal(waiting(), 0)
})

test('who comes or goes meanwhile is not told', async () => {
  const { audience, streams } = gather(1000)
  const told = audience.send(change(1), whole)
  const late = join(audience)
  const gone = streams.at(-1)
  gone?.response.emit('close')
  await told
  assert.deepEqual([late.told.length, gone?.told.length], [1, 1])
})

test('a client that does not take what it was sent misses events, and then gets the whole board', async () => {
  const { audience, streams, clock } = gather(2)
  const [slow, quick] = streams
  slow?.setWaiting(1)
  await audience.send(change(1), whole)
  clock.now += 9999
  await audience.send(change(2), whole)
  assert.equal(slow?.told.length, 1)
  slow?.setWaiting(0)
  await audience.send(change(3), whole)
  await audience.send(change(4), whole)
  assert.deepEqual(
    slow?.told.slice(1).map(text => /"counter":(\d)/.exec(text)?.[1]),
    ['9', '4'],
  )
  assert.equal(quick?.told.length, 5)
})

test('a client that takes nothing for ten seconds is cut, and nobody else', async () => {
  const { audience, streams, clock } = gather(3)
  const [stuck, late] = streams
  stuck?.setWaiting(1)
  await audience.send(change(1), whole)
  clock.now += 9000
  late?.setWaiting(1)
  await audience.send(change(2), whole)
  clock.now += 1000
  await audience.send(change(3), whole)
  assert.deepEqual(
    streams.map(({ response }) => response.destroyed),
    [true, false, false],
  )
})
