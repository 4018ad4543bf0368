import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkTrustedProxies } from './tls-and-proxies.ts'

test('addresses and networks can be trusted', () => {
  checkTrustedProxies([])
  checkTrustedProxies([
    '10.0.0.7',
    '10.1.0.0/24',
    '10.0.0.0/8',
    '10.0.0.1/32',
    '2001:db8::7',
    '2001:db8::/32',
    '2a06:98c0::/29',
    '2002::/16',
  ])
})

for (const wrong of [
  '',
  'proxy.example',
  '10.0.0',
  '10.0.0.256',
  '10.0.0.7/',
  '10.0.0.7/33',
  '10.0.0.7/08',
  '10.0.0.0/8/8',
  '0.0.0.0/0',
  '::/0',
  '0.0.0.0/1',
  '128.0.0.0/1',
  '64.0.0.0/2',
  '10.0.0.0/7',
  '::/1',
  '8000::/1',
  '2000::/3',
  'fc00::/7',
  '2000::/15',
  '::1/129',
  'fe80::1%eth0',
  '10.0.0.7; return 200',
])
  test(`not trusted: ${JSON.stringify(wrong)}`, () => {
    assert.throws(() => checkTrustedProxies([wrong]), /TRUSTED_PROXIES takes addresses and networks/)
  })

test('everything wrong is in one message', () => {
  assert.throws(() => checkTrustedProxies(['a', '10.0.0.7', '::/0']), /and not: a ::\/0$/)
})
