import assert from 'node:assert/strict'
import { test } from 'node:test'
import { changeReader } from './change-reader.ts'

const change = (counter: number, rows = '') =>
  `event: change\ndata: {"counter":${counter},"log":[${rows}]}\n\n`

function readAll(...pieces: string[]): number[][] {
  const read = changeReader()
  return pieces.map(piece => read(Buffer.from(piece)))
}

test('a change is told with the piece that ends it', () => {
  const text = change(7, '"many rows"')
  assert.deepEqual(readAll(text.slice(0, 40), text.slice(40, 45), text.slice(45)), [[], [], [7]])
})

test('several changes in one piece are all told', () => {
  assert.deepEqual(readAll(change(7) + change(9), change(10)), [[7, 9], [10]])
})

test('other events and what HTTP puts between are passed over', () => {
  const between = '\r\n1f4\r\n'
  const trouble = 'event: trouble\ndata: {"since":"now"}\n\n'
  assert.deepEqual(readAll(`HTTP/1.1 200 OK\r\n\r\n`, trouble + between + change(3) + between, trouble), [
    [],
    [3],
    [],
  ])
})
