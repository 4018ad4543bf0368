import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isSrvId, lowestFreeName, ownAddress, srvIdOf } from './identity.ts'

const card = (address: string, internal = false) => ({
  address,
  internal,
  netmask: '',
  mac: '',
  cidr: null,
  ...(address.includes(':') ? { family: 'IPv6' as const, scopeid: 0 } : { family: 'IPv4' as const }),
})

test('a srv_id is the md5 of ip:port', () => {
  assert.equal(srvIdOf('127.0.0.1:3000'), '01c2a3a6a99837796bad2f82f71dfc33')
})

test('only 32 lowercase hex digits are a srv_id', () => {
  assert.ok(isSrvId(srvIdOf('10.0.0.7:3000')))
  for (const text of ['', 'A'.repeat(32), '0'.repeat(31), `${'0'.repeat(32)}\n`])
    assert.ok(!isSrvId(text), text)
})

test('a replica that listens on one address is known by it', () => {
  assert.equal(ownAddress('127.0.0.1', 3001), '127.0.0.1:3001')
  assert.equal(ownAddress('::1', 3001), '[::1]:3001')
})

test('a replica that listens on all addresses is known by its first outside one, IPv4 before IPv6', () => {
  const interfaces = {
    lo: [card('127.0.0.1', true)],
    eth0: [card('fe80::1'), card('fd00::7'), card('172.18.0.4')],
  }
  assert.equal(ownAddress('0.0.0.0', 3000, interfaces), '172.18.0.4:3000')
  assert.equal(ownAddress('::', 3000, { eth0: [card('fd00::7')] }), '[fd00::7]:3000')
})

test('a server without a name takes the lowest one that is free', () => {
  assert.equal(lowestFreeName([]), 'web-1')
  assert.equal(lowestFreeName(['web-3', 'web-1', 'api']), 'web-2')
})
