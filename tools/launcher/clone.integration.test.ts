import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { cp, mkdir, rm, rmdir, symlink, writeFile } from 'node:fs/promises'
import { basename, join, relative } from 'node:path'
import { after, test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { temporaryFolder } from '../lib/testing.ts'
import { fingerprint } from './build.ts'
import { launch } from './testing/stub-stack.ts'

const run = promisify(execFile)
const root = join(import.meta.dirname, '..', '..')
const folder = await temporaryFolder()
after(() => folder[Symbol.asyncDispose]())

/** Another clone of this project, in a folder whose path means something to shells, URLs, patterns and NGINX. */
const clone = join(folder.path, `it's a [b] *? #1 {c} 100% $HOME`)

// No stack with Docker has this name.
const env: NodeJS.ProcessEnv = { ...process.env, COMPOSE_PROJECT_NAME: `board-${process.pid}` }
// npm's own variables name the project that runs this.
for (const name of Object.keys(env)) if (/^npm_/i.test(name)) delete env[name]

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
