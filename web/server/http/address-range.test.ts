import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BadParameter } from '../errors.ts'
import { addressRange } from './address-range.ts'

test('a whole address that is shown whole stands for itself, however it is written', () => {
  const one = { from: '0a000007', to: '0a000007' }
  assert.deepEqual(addressRange('10.0.0.7', 'short'), one)
  assert.deepEqual(addressRange('::ffff:10.0.0.7', 'short'), one)
  const loopback = '00000000000000000000000000000001'
  assert.deepEqual(addressRange('0:0:0:0:0:0:0:1', 'short'), { from: loopback, to: loopback })
})

test('a shortened address stands for its network', () => {
  const v4 = { from: 'cb007100', to: 'cb0071ff' }
  const v6 = { from: '20010db8000100000000000000000000', to: '20010db80001ffffffffffffffffffff' }
  const sixToFour = { from: '2002cb00710000000000000000000000', to: '2002cb0071ffffffffffffffffffffff' }
  for (const mode of ['short', 'full'] as const) {
    assert.deepEqual(addressRange('203.0.113.x', mode), v4)
    assert.deepEqual(addressRange('2001:db8:1::/48', mode), v6)
    assert.deepEqual(addressRange('2001:DB8:1::/48', mode), v6)
    assert.deepEqual(addressRange('2002:cb00:7100::/40', mode), sixToFour)
  }
})

test('a whole public address is refused while answers shorten it, and taken while they do not', () => {
  for (const [address, shownAs] of [
    ['203.0.113.7', '203.0.113.x'],
    ['::ffff:203.0.113.7', '203.0.113.x'],
    ['2001:db8:1::7', '2001:db8:1::/48'],
  ] as const) {
    assert.throws(() => addressRange(address, 'short'), {
      status: 400,
      message: `client_ip: public addresses are shortened here; ask for ${shownAs}`,
    })
  }
  assert.deepEqual(addressRange('203.0.113.7', 'full'), { from: 'cb007107', to: 'cb007107' })
})

const refused = [
  '',
  '203.0.113',
  '203.0.x',
  'x',
  '203.0.x.x',
  '203.0.113.%',
  '203.0.113.0/24',
  '10.0.0.x',
  '127.0.0.x',
  '2001:db8:1::/47',
  '2001:db8:1::/64',
  '2001:db8:1:2::/48',
  '2002:cb00:7100::/48',
  'fd00::/48',
  '::/48',
  'localhost',
]

for (const shown of refused) {
  test(`${JSON.stringify(shown)} is not how an address is shown`, () => {
    assert.throws(() => addressRange(shown, 'short'), BadParameter)
    assert.throws(() => addressRange(shown, 'full'), BadParameter)
  })
}
