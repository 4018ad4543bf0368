import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { readDatabaseUrl } from './database-url.ts'
import { BadEnvironment, parseEnvironment } from './environment.ts'

const DATABASE_URL = 'mysql://root:secret@127.0.0.1:3306/balance_board'

test('a database is all that must be told', () => {
  assert.deepEqual(parseEnvironment({ DATABASE_URL }), {
    development: false,
    host: '127.0.0.1',
    port: 3000,
    databaseUrl: DATABASE_URL,
    serverName: null,
    serverAddress: null,
    stickySeconds: 300,
    clientAddresses: 'short',
    drainSeconds: 1,
    logLimits: { days: 30, rows: 10_000_000 },
  })
})

test('an empty variable is an unset one', () => {
  assert.equal(parseEnvironment({ DATABASE_URL, PORT: '', SERVER_NAME: '' }).port, 3000)
})

test('everything wrong is said at once', () => {
  const variables = {
    DATABASE_URL: 'postgres://x',
    PORT: '70000',
    STICKY_SECONDS: 'soon',
    SHOW_CLIENT_IPS: 'some',
    LOG_RETENTION_DAYS: '0',
    LOG_MAX_ROWS: '1.5',
  }
  assert.throws(
    () => parseEnvironment(variables),
    (error: unknown) => {
      assert.ok(error instanceof BadEnvironment)
      for (const name of Object.keys(variables)) assert.match(error.message, new RegExp(`^  ${name}: `, 'm'))
      return true
    },
  )
})

for (const address of ['10.0.0.7:3000', '[fd00::7]:3000']) {
  test(`${address} is an address NGINX can know a server by`, () => {
    assert.equal(parseEnvironment({ DATABASE_URL, SERVER_ADDRESS: address }).serverAddress, address)
  })
}

for (const address of [
  'web:3000',
  '10.0.0.7',
  'fd00::7:3000',
  '10.0.0.7:0',
  '[10.0.0.7]:80',
  '1.2.3.4:99999',
]) {
  test(`${address} is not`, () => {
    assert.throws(
      () => parseEnvironment({ DATABASE_URL, SERVER_ADDRESS: address }),
      /SERVER_ADDRESS: must be ip:port/,
    )
  })
}

test('the password can stand in a file of its own', t => {
  const folder = mkdtempSync(join(tmpdir(), 'board-environment-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'password')
  writeFileSync(file, 'p@ss:word\n')
  const variables = { DATABASE_URL: 'mysql://board@mysql:3306/balance_board', DATABASE_PASSWORD_FILE: file }
  assert.equal(
    parseEnvironment(variables).databaseUrl,
    'mysql://board:p%40ss%3Aword@mysql:3306/balance_board',
  )
})

for (const [written, password] of [
  [' outer spaces ', ' outer spaces '],
  ['one newline\n', 'one newline'],
  ['of Windows\r\n', 'of Windows'],
  ['two newlines\n\n', 'two newlines\n'],
  ['\'"\\$%@:/?#ä', '\'"\\$%@:/?#ä'],
] as const)
  test(`a password file with ${JSON.stringify(written)} gives ${JSON.stringify(password)}`, t => {
    const folder = mkdtempSync(join(tmpdir(), 'board-password-'))
    t.after(() => rmSync(folder, { recursive: true }))
    const file = join(folder, 'password')
    writeFileSync(file, written)
    const variables = { DATABASE_URL: 'mysql://board@mysql:3306/balance_board', DATABASE_PASSWORD_FILE: file }
    const { password: parsed } = readDatabaseUrl(parseEnvironment(variables).databaseUrl)
    assert.equal(parsed, password)
  })

test('a password file that is not there is named', () => {
  const variables = { DATABASE_URL, DATABASE_PASSWORD_FILE: '/nowhere/password' }
  assert.throws(() => parseEnvironment(variables), /DATABASE_PASSWORD_FILE: cannot be read/)
})
