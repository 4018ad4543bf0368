import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ServerState } from '../../shared/api.ts'
import { sampleServerRow } from '../../testing/samples.ts'
import { drains, whyNot } from './control-rules.ts'
import { tokenIn } from './token.ts'

const at = '2026-11-22T12:00:10.000Z'

/** Servers web-1, web-2, … in these states; silent ones gave their last heartbeat 4 s ago. */
function serversIn(...states: (ServerState | 'silent up' | 'silent draining')[]) {
  return states.map((words, place) => {
    const state = words === 'silent up' ? 'up' : words === 'silent draining' ? 'draining' : words
    const last_seen_at = words === state ? at : '2026-11-22T12:00:06.000Z'
    return sampleServerRow({ id: place + 1, name: `web-${place + 1}`, state, last_seen_at })
  })
}

/** Why the first of these servers cannot be drained or ended */
function reason(...states: Parameters<typeof serversIn>): string | null {
  const servers = serversIn(...states)
  const [first = sampleServerRow()] = servers
  return whyNot(first, servers, at)
}

test('a server can be drained or ended while another one takes its visitors', () => {
  assert.equal(reason('up', 'up'), null)
  assert.equal(reason('silent up', 'draining', 'up'), null)
  assert.equal(reason('draining', 'up'), null)
})

test('the last server that is up stays, whatever the others were', () => {
  const text = 'web-1 is the last server that is up, so it cannot be drained, restarted or killed.'
  for (const other of ['silent up', 'draining', 'joining', 'lost', 'stopped'] as const)
    assert.equal(reason('up', other), text, other)
  assert.equal(reason('up'), text)
})

test('if every server drains, each can be restarted or killed but the last one', () => {
  assert.equal(reason('draining', 'draining'), null)
  assert.equal(reason('silent draining', 'draining'), null)
  const text = 'web-1 is the last server that answers, so it cannot be restarted or killed.'
  assert.equal(reason('draining', 'silent draining', 'lost'), text)
})

test('nothing can be done to a server that does not serve', () => {
  for (const state of ['joining', 'lost', 'stopped'] as const)
    assert.equal(reason(state, 'up'), `web-1 is ${state}: there is nothing to do here now.`)
})

test('a server that drains and is silent still drains', () => {
  assert.deepEqual(serversIn('draining', 'silent draining', 'up', 'silent up').map(drains), [
    true,
    true,
    false,
    false,
  ])
})

test('a token is taken from the fragment of the link, and nothing else is', () => {
  const token = '0123456789abcdef.~+/-_ABC'
  assert.equal(tokenIn(`#token=${token}`), token)
  for (const fragment of [
    '',
    '#',
    '#board',
    '#token=',
    '#token=null',
    '#token=short',
    `#Token=${token}`,
    `#token=${token}<`,
  ])
    assert.equal(tokenIn(fragment), null, fragment)
})
