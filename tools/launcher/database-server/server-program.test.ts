import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseVersion } from './server-program.ts'

for (const [text, flavour, version] of [
  [
    'mariadbd  Ver 10.11.19-MariaDB-0+deb12u1 for debian-linux-gnu on x86_64 (Debian 12)',
    'MariaDB',
    '10.11.19',
  ],
  [
    '/opt/homebrew/opt/mariadb/bin/mariadbd  Ver 12.1.2-MariaDB for osx10.20 on arm64 (Homebrew)',
    'MariaDB',
    '12.1.2',
  ],
  ['/usr/sbin/mysqld  Ver 9.7.4 for Linux on x86_64 (MySQL Community Server - GPL)', 'MySQL', '9.7.4'],
  ['/usr/sbin/mysqld  Ver 8.0.44-0ubuntu0.24.04.1 for Linux on x86_64 ((Ubuntu))', 'MySQL', '8.0.44'],
] as const) {
  test(`reads ${flavour} ${version}`, () => {
    assert.deepEqual(parseVersion('/x', `${text}\n`), { path: '/x', flavour, version })
  })
}

test('what says no version is no server', () => {
  assert.equal(parseVersion('/x', 'mysqld: unknown option'), null)
})
