import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import { temporaryFolder } from '../../tools/lib/testing.ts'

const names = ['secrets', 'migration', 'replica', 'grafana']

async function makeSecrets(folders: string[], password = '', token = ''): Promise<string> {
  const command = spawn(process.execPath, [`${import.meta.dirname}/make-secrets.ts`, ...folders], {
    env: { ...process.env, DATABASE_PASSWORD: password, ADMIN_TOKEN: token },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const [[status], errors] = await Promise.all([once(command, 'close'), text(command.stderr)])
  return status === 0 ? '' : `status ${status}: ${errors}`
}

/** Runs it in new folders, which are removed. */
async function inFolders(does: (folders: string[]) => Promise<void>): Promise<void> {
  await using home = await temporaryFolder()
  const folders = names.map(name => join(home.path, name))
  for (const folder of folders) mkdirSync(folder)
  await does(folders)
}

/** Every account has the password that is kept for it, and nothing else is left. */
function expectAgreement([secrets = '', migration = '', replica = '', grafana = '']: string[]): void {
  const read = (folder: string, name: string) => readFileSync(join(folder, name), 'utf8')
  const accounts = read(secrets, 'accounts.sql')
  for (const name of ['database-password', 'root-password', 'replica-password', 'health-password'])
    assert.ok(accounts.includes(read(secrets, name)), `${name} is in no account`)
  assert.equal(read(migration, 'database-password'), read(secrets, 'database-password'))
  assert.equal(read(replica, 'database-password'), read(secrets, 'replica-password'))
  for (const name of ['admin-password', 'secret-key']) {
    assert.match(read(grafana, name), /^[0-9a-f]{48}$/)
    for (const other of readdirSync(secrets)) assert.ok(!read(secrets, other).includes(read(grafana, name)))
  }
  assert.ok(read(secrets, 'health.cnf').includes(read(secrets, 'health-password')))
  for (const folder of [secrets, migration, replica, grafana])
    assert.deepEqual(
      readdirSync(folder).filter(name => name.endsWith('.new')),
      [],
    )
}

test('runs at the same time end with one set of passwords', async () => {
  for (let time = 0; time < 3; time++) {
    await inFolders(async folders => {
      const endings = await Promise.all(Array.from({ length: 6 }, () => makeSecrets(folders)))
      assert.deepEqual(endings, Array(6).fill(''))
      expectAgreement(folders)
    })
  }
})

test('a container of a release without the last folder gets its passwords too, and the next one adds what is missing', async () => {
  await inFolders(async folders => {
    assert.equal(await makeSecrets(folders.slice(0, 3)), '')
    const accounts = readFileSync(join(folders[0] ?? '', 'accounts.sql'), 'utf8')
    assert.equal(await makeSecrets(folders), '')
    assert.equal(readFileSync(join(folders[0] ?? '', 'accounts.sql'), 'utf8'), accounts)
    expectAgreement(folders)
  })
})

test('passwords are kept, another DATABASE_PASSWORD is refused, and what was cut short goes', async () => {
  await inFolders(async folders => {
    const [secrets = '', , , grafana = ''] = folders
    assert.equal(await makeSecrets(folders, 'given'), '')
    const files = [
      join(secrets, 'accounts.sql'),
      join(grafana, 'admin-password'),
      join(grafana, 'secret-key'),
    ]
    const readAll = () => files.map(file => readFileSync(file, 'utf8'))
    const before = readAll()
    const leftover = join(secrets, 'root-password.new')
    writeFileSync(leftover, 'half')
    utimesSync(leftover, 0, 0)
    assert.match(await makeSecrets(folders, 'another'), /is not the password that the database was made with/)
    assert.equal(await makeSecrets(folders), '')
    assert.deepEqual(readAll(), before)
    assert.equal(readFileSync(join(secrets, 'database-password'), 'utf8'), 'given')
    expectAgreement(folders)
  })
})

test('the token of control is made once; a given one applies while it is given, and one that could be guessed is refused', async () => {
  await inFolders(async folders => {
    const [, , replica = ''] = folders
    const read = () => readFileSync(join(replica, 'admin-token'), 'utf8')
    assert.equal(await makeSecrets(folders), '')
    const made = read()
    assert.match(made, /^[0-9a-f]{48}$/)
    assert.equal(await makeSecrets(folders, '', 'given-0123456789'), '')
    assert.equal(read(), 'given-0123456789')
    assert.equal(await makeSecrets(folders), '')
    assert.equal(read(), made)
    for (const token of ['hunter2', 'with a space 0123456789', 'x'.repeat(257)]) {
      const refused = await makeSecrets(folders, '', token)
      assert.match(refused, /^status 1: ADMIN_TOKEN must be/)
      assert.ok(!refused.includes(token))
    }
    assert.equal(read(), made)
    expectAgreement(folders)
  })
})
