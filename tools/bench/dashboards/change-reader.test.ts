import assert from 'node:assert/strict'
import { test } from 'node:test'
import { constants, deflateRawSync, gzipSync } from 'node:zlib'
import { changeReader } from './change-reader.ts'

const begin = Buffer.concat([Buffer.from('HTTP/1.1 200 OK\r\n\r\n'), gzipSync('').subarray(0, 10)])
const event = (text: string) => deflateRawSync(text, { finishFlush: constants.Z_SYNC_FLUSH })
const change = (counter: number) => event(`event: change\ndata: {"counter":${counter},"log":[]}\n\n`)

function readAll(...pieces: Buffer[]): number[][] {
  const read = changeReader()
  return pieces.map(piece => read(piece))
}

test('a change is told with the piece that ends it', () => {
  const bytes = Buffer.concat([begin, change(7)])
  for (let cut = 1; cut < bytes.length; cut++)
    assert.deepEqual(readAll(bytes.subarray(0, cut), bytes.subarray(cut)), [[], [7]])
})

test('several changes in one piece are all told', () => {
  assert.deepEqual(readAll(begin, Buffer.concat([change(7), change(9)]), change(10)), [[], [7, 9], [10]])
})

test('other events are passed over', () => {
  const trouble = event('event: trouble\ndata: {"since":"now"}\n\n')
  const snapshot = event('event: snapshot\ndata: {"counter":2}\n\n')
  assert.deepEqual(readAll(begin, snapshot, Buffer.concat([trouble, change(3)]), trouble), [[], [], [3], []])
})

test('streams that are sent the same are told the same', () => {
  const readers = [changeReader(), changeReader()]
  for (const counter of [7, 8])
    for (const read of readers)
      assert.deepEqual(read(Buffer.concat([...(counter === 7 ? [begin] : []), change(counter)])), [counter])
})
