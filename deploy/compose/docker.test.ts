import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { builtReplica } from '../../tools/launcher/stack/stack-options.ts'
import { eventually, temporaryFolder } from '../../tools/lib/testing.ts'
import { DockerFailed, docker, unlessGone } from './docker.ts'
import { replicaContainers } from './replica-containers.ts'

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
  const root = join(import.meta.dirname, '..', '..')
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
  const lines = async () => (await readFile(events, 'utf8')).split('\n').filter(Boolean)
  try {
    await eventually(async () => (await lines()).includes('begun'))
    holder.kill('SIGKILL')
    await once(holder, 'exit')
  } finally {
    holder.kill('SIGKILL')
    await writeFile(mayEnd, '')
  }
  await eventually(async () => (await lines()).length === 3)
  assert.deepEqual(await lines(), ['begun', 'ended', 'released'])
})

test('a replica has the same variables of Node and glibc in the image as with npm start', () => {
  const text = readFileSync(join(import.meta.dirname, '../../web/Dockerfile'), 'utf8')
  const words = /^ENV NODE_ENV=.*$/m.exec(text)?.[0].split(' ').slice(1) ?? []
  const { HOST: _, PORT: __, ...variables } = Object.fromEntries(words.map(word => word.split('=')))
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
