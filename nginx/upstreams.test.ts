import assert from 'node:assert/strict'
import { test } from 'node:test'
import { legacyStickyVariables } from './upstreams.ts'

const replica = (address: string, digit: string) => ({ address, srvId: digit.repeat(32) })

test('a bound visitor goes to the named replica, and to the others only when it fails', () => {
  const { NGINX_BOUND_UPSTREAMS: upstreams = '' } = legacyStickyVariables([
    replica('127.0.0.1:3001', 'a'),
    replica('127.0.0.1:3002', 'b'),
  ])
  const second = upstreams.slice(upstreams.indexOf('upstream page_of_2'))
  assert.match(second, /server 127\.0\.0\.1:3002 max_fails=1 fail_timeout=1s;/)
  assert.match(second, /server 127\.0\.0\.1:3001 max_fails=1 fail_timeout=1s backup;/)
})

test('a single replica has no backup', () => {
  const { NGINX_BOUND_UPSTREAMS: upstreams = '' } = legacyStickyVariables([replica('127.0.0.1:3001', 'a')])
  assert.doesNotMatch(upstreams, /backup/)
})
