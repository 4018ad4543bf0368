import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { z } from 'zod'
import { testCertificate, testKey } from '../../../nginx/testing/client-and-replica.ts'
import { connect } from '../../../prisma/connect.ts'
import type { RunningDatabase } from '../../../tools/launcher/database-server/launch.ts'
import { startThrowAwayDatabase } from '../../../tools/launcher/testing/with-database.ts'
import { temporaryFolder } from '../../../tools/lib/testing.ts'
import { closePools, openPools } from './pools.ts'
import { query } from './query.ts'

let folder: Awaited<ReturnType<typeof temporaryFolder>>
/** its certificate is for localhost */
let local: RunningDatabase
/** its certificate is for another name */
let misnamed: RunningDatabase
let misnamedCertificate: string

before(async () => {
  folder = await temporaryFolder()
  const key = join(folder.path, 'key.pem')
  misnamedCertificate = join(folder.path, 'certificate.pem')
  const names = ['-subj', '/CN=elsewhere.test', '-addext', 'subjectAltName=DNS:elsewhere.test']
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', key]
  execFileSync('openssl', ['req', '-x509', ...newKey, '-out', misnamedCertificate, '-days', '2', ...names], {
    stdio: 'pipe',
  })
  local = await startThrowAwayDatabase({ tls: { certificate: testCertificate, key: testKey } })
  misnamed = await startThrowAwayDatabase({ tls: { certificate: misnamedCertificate, key } })
})

after(async () => {
  await Promise.all([local?.stop(), misnamed?.stop()])
  await folder.remove()
})

/** The account is for 127.0.0.1, and `localhost` is another name of that address. */
const urlOf = (database: RunningDatabase, query: string, host = 'localhost') =>
  `${database.url.replace('127.0.0.1', host)}?${query}`

const cipherRow = z.tuple([z.object({ Value: z.string() })])

/** The cipher of a connection of each pool, and of the migrations' connection; '' = not encrypted. */
async function ciphersOf(url: string): Promise<string[]> {
  const pools = openPools(url)
  const sql = "SHOW SESSION STATUS LIKE 'Ssl_cipher'"
  try {
    const rows = await Promise.all(Object.values(pools).map(pool => query(pool, sql)))
    const connection = await connect(url, 0)
    rows.push((await connection.query(sql))[0])
    await connection.end()
    return rows.map(row => cipherRow.parse(row)[0].Value)
  } finally {
    await closePools(pools)
  }
}

for (const query of [
  'sslmode=require',
  'sslaccept=accept_invalid_certs',
  `ssl-mode=VERIFY_CA&ssl-ca=${testCertificate}`,
  `ssl-mode=VERIFY_IDENTITY&ssl-ca=${testCertificate}`,
  `sslaccept=strict&sslcert=${testCertificate}`,
  `sslca=${testCertificate}`,
])
  test(`?${query}: every connection is encrypted`, async () => {
    for (const cipher of await ciphersOf(urlOf(local, query))) assert.notEqual(cipher, '')
  })

test('without a parameter no connection is encrypted', async () => {
  assert.deepEqual(new Set(await ciphersOf(urlOf(local, ''))), new Set(['']))
})

for (const query of ['sslaccept=strict', 'ssl-mode=VERIFY_IDENTITY', 'sslmode=verify-ca'])
  test(`?${query}: a certificate that no known authority signed is refused`, async () => {
    await assert.rejects(ciphersOf(urlOf(local, query)), /self-signed certificate/)
  })

test('a certificate that is not the one expected is refused', async () => {
  await assert.rejects(
    ciphersOf(urlOf(local, `sslmode=verify-ca&sslca=${misnamedCertificate}`)),
    /certificate/,
  )
})

test("a certificate for another name is refused where the server's name is to be verified, and only there", async () => {
  const ca = `sslca=${misnamedCertificate}`
  await assert.rejects(ciphersOf(urlOf(misnamed, `sslmode=verify-full&${ca}`)), /does not match certificate/)
  await assert.rejects(ciphersOf(urlOf(misnamed, `sslaccept=strict&${ca}`)), /does not match certificate/)
  for (const cipher of await ciphersOf(urlOf(misnamed, `sslmode=verify-ca&${ca}`)))
    assert.notEqual(cipher, '')
})

test('a database that cannot encrypt is refused immediately if encryption is required', {
  timeout: 30_000,
}, async () => {
  const server =
    process.env.TEST_DATABASE_URL ?? assert.fail('run this through tools/launcher/testing/with-database.ts')
  await assert.rejects(ciphersOf(`${server}?sslmode=require`), /does not support secure connection/)
  await assert.rejects(connect(`${server}?sslmode=require`, 60_000), /does not support secure connection/)
})
