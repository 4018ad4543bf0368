import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readdir } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { promisify } from 'node:util'
import { temporaryFolder } from '../lib/testing.ts'

const run = promisify(execFile)
const root = join(import.meta.dirname, '..', '..')
const server = createServer((_request, response) => response.end('direct')).listen(0, '127.0.0.1')
await once(server, 'listening')
after(() => server.close())
const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`

// Nothing listens at this port.
const nowhere = 'http://127.0.0.1:9'
const proxies = {
  HTTP_PROXY: nowhere,
  HTTPS_PROXY: nowhere,
  ALL_PROXY: nowhere,
  http_proxy: nowhere,
  https_proxy: nowhere,
  all_proxy: nowhere,
  NO_PROXY: '',
  no_proxy: '',
}

const byFetch = `fetch('${url}').then(a => a.text()).then(console.log)`
const byGet = `require('node:http').get('${url}', a => a.on('data', d => console.log(String(d))))`

for (const [name, setting] of [
  ['NODE_USE_ENV_PROXY', { NODE_USE_ENV_PROXY: '1' }],
  ['NODE_OPTIONS', { NODE_OPTIONS: '--use-env-proxy --max-http-header-size=16384' }],
  ['NODE_OPTIONS, another option before it', { NODE_OPTIONS: '--no-warnings --use-env-proxy' }],
] as const)
  for (const [way, script] of [
    ['fetch', byFetch],
    ['http.get', byGet],
  ] as const)
    test(`a command asks this machine by ${way} without the proxy that ${name} turns on`, async () => {
      const env = { ...process.env, ...proxies, ...setting }
      await assert.rejects(run(process.execPath, ['-e', script], { env }), /ECONNREFUSED/)
      const command = ['tools/install/command.sh', '--packages', process.execPath, '-e', script]
      const { stdout } = await run('sh', command, { cwd: root, env })
      assert.match(stdout, /direct/)
    })

test('the command has the proxies for what it starts, other options of Node, its arguments, and its exit status', async () => {
  const env = { ...process.env, ...proxies, NODE_OPTIONS: '--no-warnings --use-env-proxy' }
  const script = `console.log(JSON.stringify([process.env.HTTP_PROXY, process.env.NODE_OPTIONS.trim(), process.argv.slice(1)]))`
  const command = [
    'tools/install/command.sh',
    '--packages',
    process.execPath,
    '-e',
    script,
    '--',
    'it’s "a" $x',
    '--only',
  ]
  const { stdout } = await run('sh', command, { cwd: root, env })
  assert.deepEqual(JSON.parse(stdout.trim().split('\n').at(-1) ?? ''), [
    nowhere,
    '--no-warnings',
    ['it’s "a" $x', '--only'],
  ])
  await assert.rejects(
    run('sh', ['tools/install/command.sh', '--packages', 'sh', '-c', 'exit 7'], { cwd: root, env }),
    {
      code: 7,
    },
  )
})

for (const name of ['a:b', 'a\\b'])
  test(`a folder that its tools cannot run in is refused in a sentence, before anything is written: ${name}`, async () => {
    await using folder = await temporaryFolder()
    const cwd = join(folder.path, name)
    await mkdir(cwd)
    const command = [join(root, 'tools/install/command.sh'), '--packages', 'true']
    await assert.rejects(run('sh', command, { cwd }), {
      code: 1,
      stderr: `Balance Board cannot run in a folder with a colon or a backslash in its path, as ${cwd} has: move it to another.\n`,
    })
    assert.deepEqual(await readdir(cwd), [])
  })
