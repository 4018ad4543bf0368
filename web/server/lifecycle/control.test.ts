import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sampleBoardServer } from '../../testing/samples.ts'
import type { BoardServer } from '../db/server-state.ts'
import { alreadyText, findServer, isLast, outcomeText, parseDrainRequest } from './control.ts'

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
