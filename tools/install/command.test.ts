import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { copyFile, mkdir, readdir, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { after, test } from 'node:test'
import { promisify } from 'node:util'
import { startStubServer, temporaryFolder } from '../lib/testing.ts'

const run = promisify(execFile)
const root = join(import.meta.dirname, '..', '..')
const server = await startStubServer((_request, response) => response.end('direct'))
after(() => server[Symbol.asyncDispose]())
const { url } = server

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
    test(`a command's ${way} to this machine uses no proxy, although ${name} turns proxies on`, async () => {
      const env = { ...process.env, ...proxies, ...setting }
      await assert.rejects(run(process.execPath, ['-e', script], { env }), /ECONNREFUSED/)
      const command = ['tools/install/command.sh', '--packages', process.execPath, '-e', script]
      const { stdout } = await run('sh', command, { cwd: root, env })
      assert.match(stdout, /direct/)
    })

test('a command keeps the proxy variables, other options of Node, its arguments and its exit status', async () => {
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
  test(`an unusable folder is refused in one sentence, and nothing is written: ${name}`, async () => {
    await using folder = await temporaryFolder()
    const cwd = join(folder.path, name)
    await mkdir(cwd)
    const command = [join(root, 'tools/install/command.sh'), '--packages', 'true']
    await assert.rejects(run('sh', command, { cwd }), {
      code: 1,
      stderr: `Balance Board cannot run in a folder with a colon or a backslash in its path. Move ${cwd} to another path.\n`,
    })
    assert.deepEqual(await readdir(cwd), [])
  })

test('a symbolic link is judged by the folder that it points to', async () => {
  await using folder = await temporaryFolder()
  const attempt = async (real: string, link: string) => {
    await mkdir(join(folder.path, real))
    await symlink(real, join(folder.path, link))
    const script = 'cd "$1" && exec sh "$2" --packages true'
    const words = ['-c', script, 'sh', join(folder.path, link), join(root, 'tools/install/command.sh')]
    return run('sh', words).catch((failed: { stderr: string }) => failed)
  }
  assert.match((await attempt('a:b', 'plain')).stderr, /^Balance Board cannot run in a folder with a colon/)
  assert.doesNotMatch((await attempt('c', 'd:e')).stderr, /Balance Board/)
})

test('a missing folder for temporary files is reported in one sentence', async () => {
  await using folder = await temporaryFolder()
  const missing = join(folder.path, 'missing')
  const file = join(folder.path, 'file')
  await writeFile(file, '')
  const { TMPDIR: _, TMP: __, TEMP: ___, ...rest } = process.env
  for (const variables of [
    { TMPDIR: missing },
    { TMPDIR: file },
    { TMP: missing },
    { TMPDIR: '', TEMP: missing },
  ]) {
    const place = Object.values(variables).findLast(Boolean)
    const command = ['tools/install/command.sh', '--packages', 'true']
    await assert.rejects(run('sh', command, { cwd: root, env: { ...rest, ...variables } }), {
      code: 1,
      stderr: `Balance Board cannot write temporary files in ${place}: set TMPDIR to a folder where it can.\n`,
    })
  }
  await run('sh', ['tools/install/command.sh', '--packages', 'true'], {
    cwd: root,
    env: { ...rest, TMPDIR: folder.path, TMP: missing },
  })
})

test('if the Node that npm installed does not start, the Node that runs npm runs the command', async () => {
  await using folder = await temporaryFolder()
  const bin = join(folder.path, 'node_modules/.bin')
  const install = join(folder.path, 'tools/install/install.mjs')
  for (const path of [bin, dirname(install)]) await mkdir(path, { recursive: true })
  await copyFile(join(root, 'tools/install/command.sh'), join(folder.path, 'tools/install/command.sh'))
  await writeFile(install, '')
  const env = { ...process.env, PATH: `${bin}:/usr/bin:/bin`, npm_node_execpath: process.execPath }
  const command = ['tools/install/command.sh', 'node', '-p', 'process.execPath']
  for (const pinned of ['#!/no/such/loader\n', '#!/bin/sh\nexit 127\n']) {
    await writeFile(join(bin, 'node'), pinned, { mode: 0o755 })
    assert.equal((await run('sh', command, { cwd: folder.path, env })).stdout, `${process.execPath}\n`)
  }
})
