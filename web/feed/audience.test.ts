import assert from 'node:assert/strict'
import { IncomingMessage, ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import { test } from 'node:test'
import type { Snapshot } from '../answers.ts'
import { Audience } from './audience.ts'
import { type LiveEvent, plain } from './event-coding.ts'

const snapshot: Snapshot = { counter: 0, at: '', servers: [], earlier_hits: 0, log: [] }
const change = (counter: number): LiveEvent => ['change', { ...snapshot, counter }]

/** An audience of as many streams, and what each was told. */
function gather(count: number) {
  const encoded: LiveEvent[] = []
  const audience = new Audience({
    ...plain,
    encode(event) {
      encoded.push(event)
      return plain.encode(event)
    },
  })
  const streams = Array.from({ length: count }, () => join(audience))
  return { audience, streams, encoded }
}

function join(audience: Audience) {
  const response = new ServerResponse(new IncomingMessage(new Socket()))
  const told: string[] = []
  response.write = (piece: unknown) => told.push(String(piece)) > 0
  audience.add(response, [['snapshot', snapshot]])
  return { response, told }
}

test('an event is encoded once for all, and so is the board that all begin with', async () => {
  const { audience, streams, encoded } = gather(250)
  await audience.send(change(1))
  assert.equal(encoded.length, 2)
  assert.ok(streams.every(({ told }) => told.length === 2 && told[1] === streams[0]?.told[1]))
})

test('while many are told, others of the process have their turn', async () => {
  const { audience, streams } = gather(1000)
  const told = audience.send(change(1))
  const waiting = () => streams.filter(stream => stream.told.length === 1).length
  const { promise: turn, resolve } = Promise.withResolvers<number>()
  setImmediate(() => resolve(waiting()))
  assert.ok((await turn) > 0)
  await told
  assert.equal(waiting(), 0)
})

test('who comes or goes meanwhile is not told', async () => {
  const { audience, streams } = gather(1000)
  const told = audience.send(change(1))
  const late = join(audience)
  const gone = streams.at(-1)
  gone?.response.emit('close')
  await told
  assert.deepEqual([late.told.length, gone?.told.length], [1, 1])
})
