import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { readEnvFile } from './environment.ts'
import { temporaryFolder } from './testing.ts'

const terminal = JSON.stringify(import.meta.resolve('./terminal.ts'))
const errors = JSON.stringify(import.meta.resolve('../../web/server/errors.ts'))

/** Runs a script, in its own process. @returns its exit status, and what it wrote to both outputs */
async function run(script: string) {
  const begin = `
    const { abortOnSignals, saySentences } = await import(${terminal})
    const { DatabaseUnavailable, UserError } = await import(${errors})
    const raise = name => process.kill(process.pid, name)
    const tick = () => new Promise(resolve => setTimeout(resolve))\n`
  const options = ['--input-type=module', '-e', begin + script]
  const ended = promisify(execFile)(process.execPath, options)
  const { stdout, stderr } = await ended.catch((error: { stdout: string; stderr: string }) => error)
  return { status: ended.child.exitCode, stdout, stderr }
}

test('an error for a person, of whatever class, is its message alone; any other keeps its stack', async () => {
  const says = async (error: string) => {
    const { status, stderr } = await run(`await saySentences(async () => { throw ${error} })`)
    assert.equal(status, 1)
    return stderr
  }
  assert.equal(await says(`new UserError('the disk is full')`), 'Balance Board: the disk is full\n')
  assert.equal(await says(`new DatabaseUnavailable('away')`), 'Balance Board: the database: away\n')
  assert.match(await says(`new TypeError('x is no function')`), /^TypeError: x is no function\n {4}at /)
})

test('the first signal is said and aborts, later ones change nothing, and those of the debugger are ignored', async () => {
  const { status, stdout } = await run(`
    const signal = abortOnSignals()
    for (const name of ['SIGUSR1', 'SIGUSR2']) raise(name)
    await tick()
    console.log(signal.aborted)
    for (const name of ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT']) {
      raise(name)
      while (!signal.aborted) await tick()
    }
    await tick()
    console.log(signal.reason.message)`)
  assert.equal(status, 0)
  assert.equal(stdout, 'false\nstop      stopping in order …\nended early, by SIGTERM\n')
})

test('a command that passes signals on gets each of them, and nothing is printed', async () => {
  const { stdout } = await run(`
    const heard = []
    abortOnSignals(name => heard.push(name))
    for (const name of ['SIGINT', 'SIGQUIT', 'SIGINT']) {
      const before = heard.length
      raise(name)
      while (heard.length === before) await tick()
    }
    console.log(heard.join())`)
  assert.equal(stdout, 'SIGINT,SIGQUIT,SIGINT\n')
})

const encodings = {
  plain: (text: string) => Buffer.from(text),
  'with a byte order mark': (text: string) => Buffer.from(`\uFEFF${text}`),
  'with the line ends of Windows': (text: string) => Buffer.from(text.replaceAll('\n', '\r\n')),
  'with both': (text: string) => Buffer.from(`\uFEFF${text.replaceAll('\n', '\r\n')}`),
}

for (const [name, encode] of Object.entries(encodings))
  test(`.env is read: ${name}`, async () => {
    await using folder = await temporaryFolder()
    const path = join(folder.path, '.env')
    await writeFile(
      path,
      encode('HTTP_PORT=127.0.0.1:8080\n# für\nREPLICAS=5\nDATA_DIR="/srv/ü b"\nEMPTY=\n'),
    )
    assert.deepEqual(
      { ...readEnvFile(path) },
      {
        HTTP_PORT: '127.0.0.1:8080',
        REPLICAS: '5',
        DATA_DIR: '/srv/ü b',
        EMPTY: '',
      },
    )
  })

test('without .env no variable is set', async () => {
  await using folder = await temporaryFolder()
  assert.deepEqual(readEnvFile(join(folder.path, '.env')), {})
})

test('the message about an unreadable .env is one sentence', async () => {
  await using folder = await temporaryFolder()
  const path = join(folder.path, '.env')
  for (const text of ['\uFEFFREPLICAS=5', 'REPLICAS=5']) {
    await writeFile(path, text, 'utf16le')
    assert.throws(() => readEnvFile(path), {
      name: 'UserError',
      message: `${path} is not UTF-8 text: save it as UTF-8`,
    })
  }
  await mkdir(join(folder.path, 'folder'))
  assert.throws(() => readEnvFile(join(folder.path, 'folder')), {
    name: 'UserError',
    message: /folder is a folder: remove it, or replace it by a file$/,
  })
  assert.throws(() => readEnvFile(join(path, 'below')), {
    name: 'UserError',
    message: /cannot be read: ENOTDIR/,
  })
})
