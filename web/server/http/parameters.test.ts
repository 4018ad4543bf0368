import assert from 'node:assert/strict'
import { test } from 'node:test'
import { z } from 'zod'
import { BadParameter } from '../errors.ts'
import { parseParameters, positiveInteger } from './parameters.ts'

const shape = { before: positiveInteger().optional(), limit: positiveInteger(200).default(50) }

function parse(query: string) {
  return parseParameters(new URLSearchParams(query), shape)
}

test('what is not given takes its default', () => {
  assert.deepEqual(parse(''), { limit: 50 })
  assert.deepEqual(parse('before=9007199254740991&limit=200'), {
    before: Number.MAX_SAFE_INTEGER,
    limit: 200,
  })
})

const refused: Record<string, string> = {
  'page=2': 'page: unknown; there are before, limit',
  'Limit=2': 'Limit: unknown; there are before, limit',
  '__proto__=2': '__proto__: unknown; there are before, limit',
  'toString=2': 'toString: unknown; there are before, limit',
  'limit=1&limit=2': 'limit: given more than once',
  'limit=1&limit=1': 'limit: given more than once',
  'limit=0': 'limit: must be an integer from 1 to 200',
  'limit=201': 'limit: must be an integer from 1 to 200',
  'limit=': 'limit: must be an integer from 1 to 200',
  'before=0': 'before: must be a positive integer',
  'before=-1': 'before: must be a positive integer',
  'before=1.5': 'before: must be a positive integer',
  'before=1e3': 'before: must be a positive integer',
  'before=0x10': 'before: must be a positive integer',
  'before=007': 'before: must be a positive integer',
  'before=+7': 'before: must be a positive integer',
  'before=7%0A': 'before: must be a positive integer',
  'before=7;DROP': 'before: must be a positive integer',
  'before=9007199254740992': 'before: must be a positive integer',
  'before=99999999999999999999': 'before: must be a positive integer',
}

for (const [query, message] of Object.entries(refused)) {
  test(`${query} is refused`, () => {
    assert.throws(() => parse(query), new BadParameter(...splitOnce(message)))
  })
}

test('an endpoint without parameters says so', () => {
  assert.throws(() => parseParameters(new URLSearchParams('x=1'), {}), {
    message: 'x: unknown; there are no parameters here',
  })
})

test('a parameter that must be given is named when it is missing', () => {
  const required = { range: z.enum(['5m', '1h'], 'must be 5m or 1h') }
  assert.throws(() => parseParameters(new URLSearchParams(), required), {
    message: 'range: must be 5m or 1h',
  })
})

function splitOnce(message: string): [string, string] {
  const at = message.indexOf(': ')
  return [message.slice(0, at), message.slice(at + 2)]
}
