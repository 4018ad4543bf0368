import assert from 'node:assert/strict'
import { test } from 'node:test'
import { movedText } from './moved-text.ts'

const start = '2026-11-22T11:00:00.000Z'
const seen = '2026-11-22T12:00:00.000Z'
const at = '2026-11-22T12:00:09.000Z'

test('a move says from where to where and why, and that nothing was lost', () => {
  const from = { name: 'web-3', state: 'lost', started_at: start, last_seen_at: seen } as const
  assert.equal(
    movedText(from, 'web-1', at),
    'Moved from web-3 to web-1. web-3 was lost: no sign of it for 9 s. Nothing was lost.',
  )
})

test('a cookie of nobody known claims neither a move nor a loss', () => {
  assert.equal(
    movedText(null, 'web-1', at),
    'Your cookie named a server that is not known here. Another board on this host, at another port, may have set it: cookies know no ports. NGINX chose web-1, as for a new visitor.',
  )
})
