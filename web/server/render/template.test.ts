import assert from 'node:assert/strict'
import { test } from 'node:test'
import { newNonce, Template } from './template.ts'

const tokens = { hit: 'AAAAtokenhit', nonce: 'BBBBtokennonce+' }

test('every place of every token is filled', () => {
  const template = new Template('<b nonce="BBBBtokennonce+">AAAAtokenhit</b><i>AAAAtokenhit</i>', tokens)
  assert.equal(template.fill({ hit: '104233', nonce: 'q1w2' }), '<b nonce="q1w2">104233</b><i>104233</i>')
})

test('a token that is split over two pieces of the flight data is filled', () => {
  const flight = [
    '<script nonce="BBBBtokennonce+">self.__next_f.push([1,"{\\"hit\\":\\"AAAAtok"])</script>',
    '<script nonce="BBBBtokennonce+">self.__next_f.push([1,"enhit\\"}"])</script>',
  ].join('')
  assert.equal(
    new Template(flight, tokens).fill({ hit: '7', nonce: 'n' }),
    '<script nonce="n">self.__next_f.push([1,"{\\"hit\\":\\"7\\"}"])</script>',
  )
})

test('a page that lacks a token is refused, and says which', () => {
  assert.throws(() => new Template('<b>AAAAtokenhit</b>', tokens), /lacks nonce/)
})

for (const value of ['<', '"', "'", '\\', '&', '\n', '\u2028', '${', '`']) {
  test(`${JSON.stringify(value)} is never filled in`, () => {
    const template = new Template('AAAAtokenhit BBBBtokennonce+', tokens)
    assert.throws(() => template.fill({ hit: value, nonce: '' }), /may not be filled/)
  })
}

test('no nonce is given twice, and each is 16 bytes as base64', () => {
  const nonces = Array.from({ length: 2000 }, newNonce)
  assert.equal(new Set(nonces).size, nonces.length)
  for (const nonce of nonces) assert.match(nonce, /^[A-Za-z0-9+/]{22}==$/)
})
