import assert from 'node:assert/strict'
import { test } from 'node:test'
import { docker } from './docker.ts'

const runOnce = ['compose', 'run', '--rm', '--no-deps', '-T']

test('another password than the database was made with is refused, and the message says what to do', async () => {
  await assert.rejects(docker([...runOnce, 'secrets'], { DATABASE_PASSWORD: 'another' }), {
    message: /DATABASE_PASSWORD is not the password that the database was made with/,
  })
})

for (const [service, command] of [
  ['web', 'the replica'],
  ['migrate', 'the migration'],
]) {
  test(`without the file of the password ${command} says which file is missing`, async () => {
    const environment = ['--env', 'DATABASE_PASSWORD_FILE=/run/secrets/missing']
    await assert.rejects(docker([...runOnce, ...environment, service ?? '']), {
      message: /(DATABASE_PASSWORD_FILE|\/run\/secrets\/missing)/,
    })
  })
}

test('nothing but NGINX is published', async () => {
  const containers = await docker(['compose', 'ps', '--format', 'json'])
  const published = containers
    .split('\n')
    .filter(line => /"PublishedPort":[1-9]/.test(line))
    .map(line => /"Service":"(\w+)"/.exec(line)?.[1])
  assert.deepEqual(new Set(published), new Set(['nginx']))
})
