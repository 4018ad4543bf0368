import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BadParameter } from '../errors.ts'
import { addressRange, normaliseAddress, showAddress } from './client-address.ts'

const canonical: Record<string, string> = {
  '10.0.0.7': '10.0.0.7',
  '255.255.255.255': '255.255.255.255',
  '::ffff:10.0.0.7': '10.0.0.7',
  '::FFFF:203.0.113.7': '203.0.113.7',
  '::ffff:a00:7': '10.0.0.7',
  '0:0:0:0:0:ffff:10.0.0.7': '10.0.0.7',
  '::ffff:10.0.0.7%eth0': '10.0.0.7',
  '::': '::',
  '::1': '::1',
  '0:0:0:0:0:0:0:1': '::1',
  '1::': '1::',
  '2001:DB8::1': '2001:db8::1',
  '2001:0db8:0000:0000:0000:0000:0000:0001': '2001:db8::1',
  // RFC 5952 4.2.2: one group of zeros is not shortened; 4.2.3: the longest run is, and the first of equals
  '2001:db8:0:1:1:1:1:1': '2001:db8:0:1:1:1:1:1',
  '2001:db8::1:1:1:1:1': '2001:db8:0:1:1:1:1:1',
  '2001:0:0:1:0:0:0:1': '2001:0:0:1::1',
  '2001:db8:0:0:1:0:0:1': '2001:db8::1:0:0:1',
  '2001:db8::10.0.0.7': '2001:db8::a00:7',
  '64:ff9b::203.0.113.7': '64:ff9b::cb00:7107',
  '::10.0.0.7': '::a00:7',
  '1:2:3:4:5:6:10.0.0.7': '1:2:3:4:5:6:a00:7',
  '1:2:3:4:5:6:7::': '1:2:3:4:5:6:7:0',
  'fe80::1%eth0': 'fe80::1',
  'fe80::1%25': 'fe80::1',
}

for (const [raw, expected] of Object.entries(canonical)) {
  test(`${raw} is written ${expected}`, () => {
    assert.equal(normaliseAddress(raw), expected)
    assert.equal(normaliseAddress(expected), expected)
  })
}

const noAddresses = [
  '',
  ' ',
  'localhost',
  '10.0.0',
  '10.0.0.256',
  '10.0.0.07',
  '010.0.0.7',
  '0x0a.0.0.7',
  '167772167',
  '10.0.0.7 ',
  ' 10.0.0.7',
  '10.0.0.7\n',
  '10.0.0.7:80',
  '10.0.0.7/24',
  '10.0.0.7%eth0',
  '10.0.0.7, 10.0.0.8',
  '203.0.113.x',
  ':',
  ':::',
  '1::2::3',
  '1:2:3:4:5:6:7',
  '1:2:3:4:5:6:7:8:9',
  '12345::',
  'g::',
  '[::1]',
  '[::1]:80',
  '2001:db8::/48',
  '::ffff:10.0.0.256',
  'fe80::1%',
  'fe80::1%a%b',
  'fe80::1%<script>',
  "::1' OR 1=1",
  'unix:',
  'unknown',
  '\u0661\u0660.0.0.7',
]

for (const raw of noAddresses) {
  test(`${JSON.stringify(raw)} is not an address`, () => assert.equal(normaliseAddress(raw), null))
}

const shown: Record<string, string> = {
  // public: the last part is hidden
  '203.0.113.7': '203.0.113.x',
  '198.51.100.0': '198.51.100.x',
  '192.0.2.255': '192.0.2.x',
  '8.8.8.8': '8.8.8.x',
  '::ffff:8.8.8.8': '8.8.8.x',
  '2001:db8:1::7': '2001:db8:1::/48',
  '2001:db8:1:2:3:4:5:6': '2001:db8:1::/48',
  '2001:db8::1': '2001:db8::/48',
  '2001:db8:0:1::1': '2001:db8::/48',
  '2001:0:1::1': '2001:0:1::/48',
  '64:ff9b::cb00:7107': '64:ff9b::/48',
  // 6to4: the /48 would be the IPv4 address 203.0.113.7
  '2002:cb00:7107::1': '2002:cb00:7100::/40',
  '::cb00:7107': '::/48',
  // private, carrier-grade, link-local, loopback: shown whole
  '10.0.0.7': '10.0.0.7',
  '10.255.255.255': '10.255.255.255',
  '172.16.0.1': '172.16.0.1',
  '172.31.255.255': '172.31.255.255',
  '192.168.1.20': '192.168.1.20',
  '100.64.0.1': '100.64.0.1',
  '100.127.255.255': '100.127.255.255',
  '127.0.0.1': '127.0.0.1',
  '127.255.0.1': '127.255.0.1',
  '169.254.169.254': '169.254.169.254',
  '::ffff:192.168.1.20': '192.168.1.20',
  '::1': '::1',
  '::': '::',
  'fc00::1': 'fc00::1',
  'fdff:ffff::1': 'fdff:ffff::1',
  'fe80::1': 'fe80::1',
  'febf::1': 'febf::1',
  // just outside of those
  '9.255.255.255': '9.255.255.x',
  '11.0.0.1': '11.0.0.x',
  '172.15.0.1': '172.15.0.x',
  '172.32.0.1': '172.32.0.x',
  '192.167.0.1': '192.167.0.x',
  '192.169.0.1': '192.169.0.x',
  '100.63.255.255': '100.63.255.x',
  '100.128.0.1': '100.128.0.x',
  '126.0.0.1': '126.0.0.x',
  '128.0.0.1': '128.0.0.x',
  '169.253.0.1': '169.253.0.x',
  'fbff::1': 'fbff::/48',
  'fe00::1': 'fe00::/48',
  'fe7f::1': 'fe7f::/48',
  'fec0::1': 'fec0::/48',
  '::2': '::/48',
  // a text that must never be in the log is not passed on
  'drop table': 'unknown',
}

for (const [address, expected] of Object.entries(shown)) {
  test(`${address} is shown as ${expected}`, () => assert.equal(showAddress(address, 'short'), expected))
}

test('in full, every address is whole', () => {
  for (const address of ['203.0.113.7', '2001:db8:1::7', '10.0.0.7', '::1']) {
    assert.equal(showAddress(address, 'full'), address)
  }
})

test('a shown public address contains nothing of its last part', () => {
  const v4 = new Set(Array.from({ length: 256 }, (_, last) => showAddress(`203.0.113.${last}`, 'short')))
  assert.deepEqual([...v4], ['203.0.113.x'])
  const v6 = new Set(
    Array.from({ length: 256 }, (_, last) => showAddress(`2001:db8:7:${last}::${last}`, 'short')),
  )
  assert.deepEqual([...v6], ['2001:db8:7::/48'])
})

test('an address that is shown whole matches itself, in any notation', () => {
  const one = { from: '0a000007', to: '0a000007' }
  assert.deepEqual(addressRange('10.0.0.7', 'short'), one)
  assert.deepEqual(addressRange('::ffff:10.0.0.7', 'short'), one)
  const loopback = '00000000000000000000000000000001'
  assert.deepEqual(addressRange('0:0:0:0:0:0:0:1', 'short'), { from: loopback, to: loopback })
})

test('a shortened address matches its network', () => {
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
