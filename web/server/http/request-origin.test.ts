import assert from 'node:assert/strict'
import { test } from 'node:test'
import { requestOrigin } from './request-origin.ts'

const originOf = (host: string | undefined, proto?: string) =>
  requestOrigin({ headers: { host, 'x-forwarded-proto': proto } })

test('scheme and host as NGINX passes them on', () => {
  assert.equal(originOf('board.example', 'https'), 'https://board.example')
  assert.equal(originOf('127.0.0.1:8080', 'http'), 'http://127.0.0.1:8080')
  assert.equal(originOf('localhost'), 'http://localhost')
})

test('nothing for a host that cannot stand in a page', () => {
  for (const host of [undefined, '', '[::1]:8080', 'a"b', 'a/b', 'a:b']) assert.equal(originOf(host), '')
})
