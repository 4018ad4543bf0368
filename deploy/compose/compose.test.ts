import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import { builtReplica } from '../../tools/launcher/stack/stack-options.ts'
import { eventually, temporaryFolder } from '../../tools/lib/testing.ts'
import { hungAfterMs } from '../../tools/lib/wait.ts'
import { adminTokenPattern } from '../../web/shared/limits.ts'
import { DockerFailed, docker, lines, replicaContainers, root, unlessGone } from './docker.ts'

test('builds add no record with their time to the image, unless a person wants one', async () => {
  await using folder = await temporaryFolder()
  await writeFile(join(folder.path, 'docker'), '#!/bin/sh\necho "$BUILDX_NO_DEFAULT_ATTESTATIONS"\n', {
    mode: 0o755,
  })
  const PATH = `${folder.path}:${process.env.PATH}`
  assert.equal(await docker(['compose', 'build'], { environment: { PATH } }), '1\n')
  const wanted = { PATH, BUILDX_NO_DEFAULT_ATTESTATIONS: '0' }
  assert.equal(await docker(['compose', 'build'], { environment: wanted }), '0\n')
})

test('a container that disappears while compose lists it, or before it is inspected, is left out', async () => {
  await using folder = await temporaryFolder()
  // Each first call fails as Docker does.
  const script = `#!/bin/sh
call='${folder.path}/call-'"$1"
if ! [ -e "$call" ]; then
  touch "$call"
  case "$1" in
  compose) echo 'Error response from daemon: No such container: 1f' ;;
  inspect) echo 'Error: No such object: 1f' ;;
  esac >&2
  exit 1
fi
case "$1" in
compose) echo 2e ;;
inspect) echo '[]' ;;
esac
`
  await writeFile(join(folder.path, 'docker'), script, { mode: 0o755 })
  const { PATH } = process.env
  process.env.PATH = `${folder.path}:${PATH}`
  try {
    assert.deepEqual(await replicaContainers(), [])
  } finally {
    process.env.PATH = PATH
  }
})

test('that another command has removed a container, or is removing it, is no failure; anything else is', async () => {
  for (const message of [
    'No such container: 1f',
    'removal of container 1f is already in progress',
    'cannot stop container: 1f: container is marked for removal and cannot be stopped',
  ]) {
    const failed = new DockerFailed(`docker rm 1f failed: Error response from daemon: ${message}`)
    assert.equal(unlessGone(failed), '')
  }
  const full = new DockerFailed('docker rm 1f failed: no space left on device')
  assert.throws(() => unlessGone(full), full)
})

test('the labels of the image say what package.json says', async () => {
  const dockerfile = await readFile(join(root, 'web/Dockerfile'), 'utf8')
  const { name, description, version, license } = JSON.parse(
    await readFile(join(root, 'package.json'), 'utf8'),
  )
  const labels = [...dockerfile.matchAll(/org\.opencontainers\.image\.(\w+)="([^"]*)"/g)]
  assert.deepEqual(Object.fromEntries(labels.map(([, label, value]) => [label, value])), {
    title: name,
    description,
    version,
    licenses: license,
  })
})

const timeout = 60_000

test('the lock of a killed holder lasts until its last command has ended', { timeout }, async () => {
  await using folder = await temporaryFolder()
  const events = join(folder.path, 'events')
  const mayEnd = join(folder.path, 'may-end')
  await writeFile(events, '')
  // Its `run` is the container of the lock, which ends when its input ends.
  const script = `#!/bin/sh
case "$1" in
run) cat; echo released >>'${events}' ;;
*)
  echo begun >>'${events}'
  while ! [ -e '${mayEnd}' ]; do sleep 0.1; done
  echo ended >>'${events}'
  ;;
esac
`
  await writeFile(join(folder.path, 'docker'), script, { mode: 0o755 })
  const lock = JSON.stringify(import.meta.resolve('./project-lock.ts'))
  const holder = spawn(
    process.execPath,
    [
      '--input-type=module',
      '-e',
      `const { takeProjectLock } = await import(${lock})
      const { signal } = new AbortController()
      const held = await takeProjectLock({ project: 'a', image: 'b', signal, onWait() {} })
      await held.docker(['stop', 'c'])`,
    ],
    { env: { ...process.env, PATH: `${folder.path}:${process.env.PATH}` }, stdio: 'inherit' },
  )
  const recorded = async () => lines(await readFile(events, 'utf8'))
  try {
    await eventually(async () => (await recorded()).includes('begun'))
    holder.kill('SIGKILL')
    await once(holder, 'exit')
  } finally {
    holder.kill('SIGKILL')
    await writeFile(mayEnd, '')
  }
  await eventually(async () => (await recorded()).length === 3)
  assert.deepEqual(await recorded(), ['begun', 'ended', 'released'])
})

test('a replica has the same variables of Node and glibc in the image as with npm start', () => {
  const text = readFileSync(join(import.meta.dirname, '../../web/Dockerfile'), 'utf8')
  const words = /^ENV NODE_ENV=.*$/m.exec(text)?.[0].split(' ').slice(1) ?? []
  const { HOST: _, PORT: __, ...variables } = Object.fromEntries(words.map(word => word.split(/=(.*)/)))
  assert.deepEqual(variables, builtReplica().environment)
})

test('the image’s user may read all that is in it, whatever rights the files of a clone have', () => {
  const text = readFileSync(join(import.meta.dirname, '../../web/Dockerfile'), 'utf8')
  const last = text.split(/^FROM .*$/m).at(-1) ?? ''
  const opened = /^RUN .*&& chmod -R a\+rX (.*)$/m.exec(text)?.[1]?.split(' ') ?? []
  const copies = [...last.matchAll(/^COPY (.*)$/gm)].map(([, words = '']) => words.split(' '))
  assert.ok(copies.length > 0)
  for (const words of copies) {
    assert.ok(words.includes('--from=build'), words.join(' '))
    const sources = words.filter(word => !word.startsWith('--')).slice(0, -1)
    for (const source of sources)
      assert.ok(
        opened.some(path => `/app/${path}` === source),
        `${source} keeps the rights it has in the clone`,
      )
  }
})

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
    // Everyone accepts the same tokens.
    const all = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._~+/-'
    const marked = ['=', '%', ':', ',', '_x', 'é'].map(mark => `${mark}${'x'.repeat(20)}`)
    for (const token of [all, ...[15, 16, 256, 257].map(length => 'x'.repeat(length)), ...marked])
      assert.equal((await makeSecrets(folders, '', token)) === '', adminTokenPattern.test(token), token)
  })
})

test('Docker and the launcher kill a replica after the same time without an answer', async () => {
  const check = await readFile(join(import.meta.dirname, '../../web/health-check.sh'), 'utf8')
  assert.equal(Number(/^limit=(\d+)$/m.exec(check)?.[1]) * 1000, hungAfterMs)
})
