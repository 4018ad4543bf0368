import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { testCertificate } from '../../nginx/testing/client-and-replica.ts'
import { temporaryFolder } from '../../tools/lib/testing.ts'
import {
  BadDatabaseUrl,
  BadEnvironment,
  driverUrl,
  parseEnvironment,
  readAdminToken,
  readDatabaseUrl,
} from './config.ts'
import { isSrvId, lowestFreeName, ownAddress, srvIdOf } from './identity.ts'

const DATABASE_URL = 'mysql://root:secret@127.0.0.1:3306/balance_board'

test('only the database is required', () => {
  assert.deepEqual(parseEnvironment({ DATABASE_URL }), {
    development: false,
    host: '127.0.0.1',
    port: 3000,
    databaseUrl: DATABASE_URL,
    serverName: null,
    serverAddress: null,
    stickySeconds: 300,
    clientAddresses: 'short',
    monitoring: { prometheus: null, grafana: null, hasAlerts: false },
    alertmanagerUrl: null,
    adminToken: { value: null, file: null },
    drainSeconds: 1,
    logFormat: 'json',
    tracing: null,
    logLimits: { days: 30, rows: 10_000_000 },
  })
})

test('the token of control is a variable, or in a file that is read each time; one that could be guessed is none', async () => {
  await using folder = await temporaryFolder()
  const file = join(folder.path, 'admin-token')
  const environment = parseEnvironment({ DATABASE_URL, ADMIN_TOKEN: '', ADMIN_TOKEN_FILE: file })
  assert.equal(readAdminToken(environment), null)
  for (const [text, token] of [
    ['0123456789abcdef\n', '0123456789abcdef'],
    ['0123456789abcde', null],
    ['', null],
    ['0123456789abcdef 0123', null],
    ['A.b_c~d+e/f-0123456789', 'A.b_c~d+e/f-0123456789'],
  ] as const) {
    writeFileSync(file, text)
    assert.equal(readAdminToken(environment), token)
  }
  const given = { DATABASE_URL, ADMIN_TOKEN: 'given-0123456789', ADMIN_TOKEN_FILE: file }
  assert.equal(readAdminToken(parseEnvironment(given)), 'given-0123456789')
  assert.throws(
    () => parseEnvironment({ DATABASE_URL, ADMIN_TOKEN: 'hunter2' }),
    (error: unknown) => error instanceof BadEnvironment && !error.message.includes('hunter2'),
  )
})

test('an empty variable is an unset one', () => {
  assert.equal(parseEnvironment({ DATABASE_URL, PORT: '', SERVER_NAME: '' }).port, 3000)
})

test('everything wrong is in one message', () => {
  const variables = {
    DATABASE_URL: 'postgres://x',
    PORT: '70000',
    STICKY_SECONDS: 'soon',
    SHOW_CLIENT_IPS: 'some',
    LOG_RETENTION_DAYS: '0',
    LOG_MAX_ROWS: '1.5',
    PROMETHEUS_URL: 'javascript:alert(1)',
    GRAFANA_URL: 'grafana',
    ALERTMANAGER_URL: 'ftp://alertmanager',
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
  test(`${address} is a valid server address`, () => {
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
  test(`${address} is not a valid server address`, () => {
    assert.throws(
      () => parseEnvironment({ DATABASE_URL, SERVER_ADDRESS: address }),
      /SERVER_ADDRESS: must be ip:port/,
    )
  })
}

test('the password can be in a file', async () => {
  await using folder = await temporaryFolder()
  const file = join(folder.path, 'password')
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
  test(`a password file with ${JSON.stringify(written)} gives ${JSON.stringify(password)}`, async () => {
    await using folder = await temporaryFolder()
    const file = join(folder.path, 'password')
    writeFileSync(file, written)
    const variables = { DATABASE_URL: 'mysql://board@mysql:3306/balance_board', DATABASE_PASSWORD_FILE: file }
    const { password: parsed } = readDatabaseUrl(parseEnvironment(variables).databaseUrl)
    assert.equal(parsed, password)
  })

test('a missing password file is named', () => {
  const variables = { DATABASE_URL, DATABASE_PASSWORD_FILE: '/nowhere/password' }
  assert.throws(() => parseEnvironment(variables), /DATABASE_PASSWORD_FILE: cannot be read/)
})

const url = 'mysql://board:p%40ss@db.example:3307/balance_board'
const encryptionOf = (query: string) => readDatabaseUrl(`${url}?${query}`).ssl

test('a URL gives the database’s place and account', () => {
  const access = {
    host: 'db.example',
    port: 3307,
    user: 'board',
    password: 'p@ss',
    database: 'balance_board',
  }
  assert.deepEqual(readDatabaseUrl(url), access)
  assert.deepEqual(readDatabaseUrl('mysql://board@[fd00::7]/b'), {
    host: 'fd00::7',
    port: 3306,
    user: 'board',
    password: '',
    database: 'b',
  })
})

for (const [query, expected] of [
  ['', undefined],
  ['sslmode=disable', undefined],
  ['ssl-mode=DISABLED', undefined],
  ['sslmode=require', { rejectUnauthorized: false, verifyIdentity: false }],
  ['ssl-mode=REQUIRED', { rejectUnauthorized: false, verifyIdentity: false }],
  ['SslMode=Required', { rejectUnauthorized: false, verifyIdentity: false }],
  ['sslaccept=accept_invalid_certs', { rejectUnauthorized: false, verifyIdentity: false }],
  ['ssl_mode=VERIFY_CA', { rejectUnauthorized: true, verifyIdentity: false }],
  ['sslmode=verify-full', { rejectUnauthorized: true, verifyIdentity: true }],
  ['ssl-mode=VERIFY_IDENTITY', { rejectUnauthorized: true, verifyIdentity: true }],
  ['sslaccept=strict', { rejectUnauthorized: true, verifyIdentity: true }],
  ['sslmode=require&sslaccept=strict', { rejectUnauthorized: true, verifyIdentity: true }],
] as const)
  test(`?${query} sets the encryption`, () => assert.deepEqual(encryptionOf(query), expected))

for (const [query, level] of [
  ['', { rejectUnauthorized: true, verifyIdentity: true }],
  ['sslmode=require&', { rejectUnauthorized: true, verifyIdentity: false }],
  ['sslmode=verify-ca&', { rejectUnauthorized: true, verifyIdentity: false }],
] as const)
  for (const name of ['sslca', 'ssl-ca', 'sslcert'])
    test(`?${query}${name}=… is verified with that certificate`, () => {
      const { ca: text, ...verified } = encryptionOf(`${query}${name}=${testCertificate}`) ?? assert.fail()
      assert.match(text ?? '', /^-----BEGIN CERTIFICATE-----/)
      assert.deepEqual(verified, level)
    })

for (const [bad, sentence] of [
  ['', /must be mysql:/],
  ['postgres://board@db/board', /must be mysql:/],
  ['mysql://board@db', /must be mysql:/],
  [`${url}?sslmode=sure`, /has sslmode=sure, which is not known/],
  [`${url}?sslmode=`, /has sslmode=, which is not known/],
  [`${url}?ssl-mode=PREFERRED`, /could mean no encryption/],
  [`${url}?sslmode=disable&sslaccept=strict`, /both disables TLS and requires it/],
  [`${url}?sslmode=disable&sslca=${testCertificate}`, /both disables TLS and requires it/],
  [`${url}?sslmode=require&sslmode=disable`, /has sslmode more than once/],
  [`${url}?sslca=/nowhere/ca.pem`, /has sslca=\/nowhere\/ca.pem, a file that cannot be read/],
  [`${url}?sslca=${testCertificate}&sslcert=${testCertificate}`, /names two files/],
  [`${url}?ssl={"rejectUnauthorized":false}`, /has ssl, which is not known/],
  [`${url}?connection_limit=5`, /has connection_limit, which is not known/],
  [`${url}?multipleStatements=true`, /has multipleStatements, which is not known/],
  [`${url}?__proto__=x`, /has __proto__, which is not known/],
  [`${url}?constructor=x`, /has constructor, which is not known/],
  [`${url}#?sslmode=require`, /has a #/],
  ['mysql://board@10.0.0.7/b?sslmode=verify-full', /use a host name, or sslmode=verify-ca/],
  ['mysql://board@[fd00::7]/b?sslaccept=strict', /use a host name, or sslmode=verify-ca/],
  ['mysql://board:100%@db/b', /write it as %25/],
] as const)
  test(`${bad} is refused in a sentence`, () => {
    assert.throws(
      () => readDatabaseUrl(bad),
      (error: unknown) => {
        assert.ok(error instanceof BadDatabaseUrl)
        assert.match(error.message, sentence)
        assert.match(error.message, /^DATABASE_URL [^\n]+$/)
        assert.ok(!error.message.includes('p@ss') && !error.message.includes('p%40ss'))
        return true
      },
    )
  })

test('a program that reads the URL with the driver gets the encryption of the URL', () => {
  const handedOn = new URL(driverUrl(`${url}?sslaccept=strict`))
  assert.deepEqual(JSON.parse(handedOn.searchParams.get('ssl') ?? ''), {
    rejectUnauthorized: true,
    verifyIdentity: true,
  })
  assert.equal(driverUrl(url), url)
})

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
