import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { temporaryFolder } from '../../tools/lib/testing.ts'
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
