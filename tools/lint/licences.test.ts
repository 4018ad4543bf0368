import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { licenceProblems, readPackages } from './licences.ts'

const lockfileWith = (packages: Record<string, object>) =>
  readPackages(JSON.stringify({ packages: { '': { name: 'board', license: 'GPL-3.0-only' }, ...packages } }))

test('every package of this project has an accepted licence', () => {
  const packages = readPackages(readFileSync(join(import.meta.dirname, '../../package-lock.json'), 'utf8'))
  assert.ok(packages.some(({ name, licence }) => name === 'next' && licence === 'MIT'))
  assert.deepEqual(licenceProblems(packages), [])
})

for (const [license, isAccepted] of [
  ['MIT', true],
  ['MIT OR GPL-3.0-only', true],
  ['(GPL-2.0-only OR BSD-3-Clause)', true],
  ['MIT AND GPL-3.0-only', false],
  ['GPL-3.0-only', false],
  ['LGPL-3.0-or-later', false],
  ['(MIT OR GPL-2.0-only) AND AGPL-3.0-only', false],
  ['UNLICENSED', false],
  ['SEE LICENSE IN LICENSE.md', false],
  [undefined, false],
] as const) {
  test(`a package with ${license ?? 'no licence'} is ${isAccepted ? '' : 'not '}accepted`, () => {
    const problems = licenceProblems(
      lockfileWith({ 'node_modules/a/node_modules/@b/c': { version: '1.2.3', license } }),
    )
    assert.deepEqual(problems, isAccepted ? [] : [`@b/c 1.2.3: ${license ?? 'names no licence'}`])
  })
}
