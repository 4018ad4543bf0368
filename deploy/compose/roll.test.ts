import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { test } from 'node:test'
import { roll } from './testing/board.ts'

/** Where no `docker` can be found, so that nothing but a refusal can be the end. */
const environment = { PATH: import.meta.dirname }

for (const words of [['-p', 'x'], ['-f', 'other.yml'], ['web'], ['--project-name=x']]) {
  test(`npm run roll -- ${words.join(' ')} is refused, and says how to choose a project`, async () => {
    const { status, printed } = await roll(environment, () => {}, words)
    assert.equal(status, 1)
    assert.ok(printed.startsWith(`roll: unknown option: ${words.join(' ')};`), printed)
    assert.match(printed, /COMPOSE_PROJECT_NAME=NAME npm run roll/)
  })
}

test('npm run roll -- --help says how to choose a project, and does nothing', async () => {
  const { status, printed } = await roll(environment, () => {}, ['--help'])
  assert.equal(status, 0)
  assert.match(printed, /^roll: the command takes no options.*COMPOSE_PROJECT_NAME=NAME npm run roll\n$/)
})

for (const [command, ...words] of [
  ['audit', '-p', 'x'],
  ['audit', '--help'],
  ['drain', 'drain', '--project-name=x', 'web-2'],
  ['drain', 'undrain', '-p', 'x', 'web-2'],
  ['drain', 'drain', '--help'],
] as const) {
  test(`${command} ${words.join(' ')} is refused in the same way`, async () => {
    const child = spawn(
      process.execPath,
      [`${import.meta.dirname}/../../tools/launcher/${command}.ts`, ...words],
      {
        env: { ...process.env, ...environment },
        stdio: ['ignore', 'pipe', 'pipe'],
      },
    )
    let printed = ''
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', text => {
        printed += text
      })
    const [status] = await once(child, 'close')
    assert.equal(status, 1)
    assert.match(printed, /unknown option: .*COMPOSE_PROJECT_NAME=NAME npm run/)
  })
}
