import assert from 'node:assert/strict'
import { execFile, execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { cp, mkdir, rm, rmdir, symlink, writeFile } from 'node:fs/promises'
import { get } from 'node:http'
import { networkInterfaces } from 'node:os'
import { basename, join, relative } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { freePorts } from '../lib/ports.ts'
import { alive } from '../lib/processes.ts'
import { eventually, temporaryFolder } from '../lib/testing.ts'
import { fingerprint } from './stack/build.ts'
import { root } from './stack/stack-options.ts'
import { launch, launchDevelopment, pidsOf, startStubStack } from './testing/stub-stack.ts'

const timeout = 120_000
const run = promisify(execFile)

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'] as const) {
  test(`${signal} stops the stack in order, also if it is sent repeatedly`, { timeout }, async () => {
    await using folder = await temporaryFolder()
    const { pid, file, exited, output } = await launch(folder.path)
    process.kill(pid, signal)
    await eventually(() => output().includes('stopping in order'))
    for (let more = 0; more < 3; more++) process.kill(pid, signal)
    assert.deepEqual(await exited, [0, null], output())
    assert.deepEqual(alive(pidsOf(file)), [])
    assert.match(output(), /Balance Board: http:.*\nstop .*\nstop +all processes have stopped\n$/s)
  })
}

test('SIGUSR1 and SIGUSR2 neither end the stack nor open a debugger', { timeout }, async () => {
  await using folder = await temporaryFolder()
  const { pid, file, exited, output } = await launch(folder.path)
  for (const signal of ['SIGUSR1', 'SIGUSR2'] as const) process.kill(pid, signal)
  assert.equal((await fetch(file.url)).status, 200)
  process.kill(pid, 'SIGTERM')
  assert.deepEqual(await exited, [0, null], output())
  assert.doesNotMatch(output(), /debugger/i)
})

test('the next start ends the processes that a killed launcher left', { timeout }, async () => {
  await using folder = await temporaryFolder()
  const { pid, file, exited } = await launch(folder.path)
  process.kill(pid, 'SIGKILL')
  await exited
  assert.deepEqual(alive(pidsOf(file)), pidsOf(file))

  await using stack = await startStubStack({ dataDir: folder.path })
  assert.deepEqual(alive(pidsOf(file)), [])
  assert.match(
    stack.said[0] ?? '',
    /^cleanup: ended processes of an earlier start: nginx, web-\d, web-\d, database$/,
  )
  assert.deepEqual(
    stack.file().replicas.map(r => r.address),
    file.replicas.map(r => r.address),
  )
})

test('the next start also ends the workers of an NGINX that was killed with its launcher', {
  timeout,
}, async () => {
  await using folder = await temporaryFolder()
  const { pid, file, exited } = await launch(folder.path)
  process.kill(pid, 'SIGKILL')
  await exited
  process.kill(file.nginx.pid, 'SIGKILL')
  await eventually(() => alive([file.nginx.pid]).length === 0)
  assert.equal((await fetch(file.url)).status, 200, 'the workers have ended by themselves')

  await using stack = await startStubStack({ dataDir: folder.path })
  assert.match(stack.said[0] ?? '', /nginx/)
  await assert.rejects(fetch(stack.url === file.url ? 'http://127.0.0.1:1' : file.url))
})

test('without a running stack `npm run migrate` starts the database of DATA_DIR and stops it again', {
  timeout,
}, async () => {
  await using folder = await temporaryFolder()
  const { DATABASE_URL: _, ...env } = process.env
  const migrate = async (...words: string[]) => {
    const program = join(import.meta.dirname, 'migrate.ts')
    const done = await run(process.execPath, [program, ...words], {
      env: { ...env, DATA_DIR: folder.path },
    }).catch((failed: { stdout: string; stderr: string }) => failed)
    return `${done.stdout}${done.stderr}`
  }
  assert.match(await migrate(), /^migrated: 20261122000000_first, /)
  assert.equal(await migrate(), 'the database is up to date\n')
  assert.match(await migrate('--applied', '20261122000000_first'), /did not fail: it is applied; none has/)
})

// Linux has all of 127.0.0.0/8, other systems have one address of it.
const host = process.platform === 'linux' ? '127.0.0.2' : '127.0.0.1'

/** Whether a page of `origin` may open the socket of hot reload. Next answers a no with a word that is no HTTP. */
function mayHotReload(url: string, origin: string): Promise<boolean> {
  const headers = {
    Origin: origin,
    Connection: 'Upgrade',
    Upgrade: 'websocket',
    'Sec-WebSocket-Version': '13',
    'Sec-WebSocket-Key': randomBytes(16).toString('base64'),
  }
  const { promise, resolve } = Promise.withResolvers<boolean>()
  get(`${url}/_next/hmr?id=test`, { agent: false, headers }, () => resolve(false))
    .on('error', () => resolve(false))
    .on('upgrade', (_, socket) => {
      socket.destroy()
      resolve(true)
    })
  return promise
}

test('npm run dev serves the page from the sources, counts it, and reloads it where HTTP_PORT says', {
  timeout: 300_000,
}, async () => {
  await using folder = await temporaryFolder()
  const { value: port } = await freePorts(`${folder.path}/nginx`).next()
  const { pid, file, exited, output } = await launchDevelopment(folder.path, `${host}:${port}`)
  try {
    assert.equal(file.url, `http://${host}:${port}`)
    const answer = await fetch(file.url, { headers: { accept: 'text/html' } })
    assert.equal(answer.status, 200, output())
    assert.match(await answer.text(), /<html/)
    assert.ok(Number(answer.headers.get('x-hit')) >= 1)
    assert.ok(await mayHotReload(file.url, file.url), output())
    assert.ok(!(await mayHotReload(file.url, 'http://elsewhere.example')))
  } finally {
    process.kill(pid, 'SIGTERM')
    assert.deepEqual(await exited, [0, null], output())
  }
})

test('hot reload is for the board’s own hosts: of a board on every address all that this machine has', () => {
  const module = JSON.stringify(import.meta.resolve('../../next.config.ts'))
  const script = `console.log(JSON.stringify((await import(${module})).default.allowedDevOrigins))`
  const hostsFor = (HTTP_HOST: string): unknown =>
    JSON.parse(
      execFileSync(process.execPath, ['--input-type=module', '-e', script], {
        env: { ...process.env, HTTP_HOST },
        cwd: root,
        encoding: 'utf8',
      }),
    )
  assert.deepEqual(hostsFor(''), ['127.0.0.1', '127.0.0.1'])
  assert.deepEqual(hostsFor('192.168.1.5'), ['127.0.0.1', '192.168.1.5'])
  assert.deepEqual(hostsFor('fe80::1'), ['127.0.0.1', '[fe80::1]'])
  for (const every of ['0.0.0.0', '::']) {
    const hosts = hostsFor(every)
    assert.ok(Array.isArray(hosts))
    for (const { address, family } of Object.values(networkInterfaces()).flatMap(found => found ?? []))
      assert.ok(hosts.includes(family === 'IPv6' ? `[${address}]` : address), address)
  }
})

describe('another clone of this project', () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>
  /** Its path means something to shells, URLs, patterns and NGINX. */
  let clone: string

  // No stack with Docker has this name.
  const env: NodeJS.ProcessEnv = { ...process.env, COMPOSE_PROJECT_NAME: `board-${process.pid}` }
  // npm's own variables name the project that runs this.
  for (const name of Object.keys(env)) if (/^npm_/i.test(name)) delete env[name]

  before(async () => {
    folder = await temporaryFolder()
    clone = join(folder.path, `it's a [b] *? #1 {c} 100% $HOME`)
    // The clone uses the packages of this checkout, which must be up to date for it.
    await run(process.execPath, ['tools/install/install.mjs', '--packages'], { cwd: root })
    await mkdir(clone)
    for (const name of ['deploy', 'monitoring', 'nginx', 'prisma', 'tools', 'web'])
      await cp(join(root, name), join(clone, name), {
        recursive: true,
        filter: path => !['.next', 'node_modules'].includes(basename(path)) || relative(root, path) === name,
      })
    for (const name of [
      'package.json',
      'package-lock.json',
      'tsconfig.json',
      'next.config.ts',
      'docker-compose.yml',
    ])
      await cp(join(root, name), join(clone, name))
    await symlink(join(root, 'node_modules'), join(clone, 'node_modules'))
  })
  after(() => folder[Symbol.asyncDispose]())

  test('a command runs where npm runs no scripts by itself, with an .env that is written for Docker', async () => {
    await writeFile(join(clone, '.npmrc'), 'ignore-scripts=true\n')
    await writeFile(join(clone, '.env'), 'HTTP_PORT=127.0.0.1:8080\nREPLICAS=none of its business\n')
    const drained = run('npm', ['run', '--silent', 'drain', '--', 'web-1'], { cwd: clone, env })
    const sentence = `Balance Board: no board is running on ${join(clone, '.data')}, and none with Docker: `
    await assert.rejects(drained, (error: { code: number; stderr: string }) => {
      assert.equal(error.code, 1)
      assert.ok(error.stderr.startsWith(sentence), error.stderr)
      return true
    })
  })

  test('every command reads .env in the same way, also where it cannot be read', async () => {
    const file = join(clone, '.env')
    const sentenceOf = async (...words: string[]) => {
      const command = run('npm', ['run', '--silent', ...words], { cwd: clone, env })
      return command.then(
        ({ stdout }) => assert.fail(`${words} did not fail: ${stdout}`),
        (error: { stderr: string }) => error.stderr,
      )
    }
    // As an editor of Windows writes it.
    await writeFile(file, '\uFEFFDATABASE_URL=postgres://a\r\nDATA_DIR=~/board\r\n')
    for (const command of ['start', 'migrate', 'studio', 'audit', 'reset'])
      assert.match(await sentenceOf(command), /^Balance Board: .*\n? *DATA_DIR must be a path without ~/)
    await writeFile(file, '\uFEFFDATABASE_URL=postgres://a\r\n')
    for (const command of ['migrate', 'studio'])
      assert.match(await sentenceOf(command), /DATABASE_URL must be mysql:[^\n]*\n$/)
    await rm(file)
    await mkdir(file)
    for (const command of ['start', 'migrate', 'studio', 'audit', 'reset'])
      assert.equal(
        await sentenceOf(command),
        `Balance Board: ${file} is a folder: remove it, or replace it by a file\n`,
      )
    await rmdir(file)
  })

  test('the sources of a clone in any folder are the same to the build, which can bundle them', async () => {
    assert.equal(await fingerprint(clone), await fingerprint(root))
    const bundle = pathToFileURL(join(clone, 'web/build.ts')).href
    const output = join(clone, 'web/.next/standalone')
    const script = `await (await import(${JSON.stringify(bundle)})).bundleInto(${JSON.stringify(output)})`
    await run(process.execPath, ['--input-type=module', '-e', script], { cwd: clone, env })
    const migrate = run(process.execPath, ['prisma/migrate.mjs', '--no-such-option'], { cwd: output, env })
    await assert.rejects(migrate, { code: 1, stderr: /^say nothing to migrate, or one of: --wait/ })
  })

  test('a stack starts in a clone in any folder, with its data in it', { timeout: 120_000 }, async () => {
    const dataDir = join(clone, '.data')
    const { file, pid, exited, output } = await launch(dataDir, clone)
    try {
      assert.equal((await fetch(file.url)).status, 200)
    } finally {
      process.kill(pid, 'SIGTERM')
      assert.deepEqual(await exited, [0, null], output())
    }
  })
})
