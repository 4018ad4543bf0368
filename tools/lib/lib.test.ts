import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, writeFile } from 'node:fs/promises'
import { connect, createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { type Fate, startDatabaseProxy } from './database-proxy.ts'
import { readMetric } from './metrics.ts'
import { readEnvFile } from './terminal.ts'
import { eventually, startStubServer, temporaryFolder } from './testing.ts'
import { backoff, poll, waitUntil } from './wait.ts'

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
  // Without this variable, by which a process knows that a test runner has started it.
  const { NODE_TEST_CONTEXT: _, ...env } = process.env
  const ended = promisify(execFile)(process.execPath, options, { env })
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

test('the first start is immediate; each later one waits twice as long, ten seconds at most', () => {
  assert.deepEqual([0, 1, 2, 3, 6, 7, 100].map(backoff), [0, 250, 500, 1000, 8000, 10_000, 10_000])
})

test('a poll returns the first answer that is neither null, false nor undefined, also 0 and an empty text', async () => {
  const answers = [null, false, undefined, 0, false, ''].values()
  const check = () => answers.next().value
  assert.equal(await poll(check, 10_000, 1), 0)
  assert.equal(await poll(check, 10_000, 1), '')
  assert.equal(await poll(() => false, 5, 1), null)
})

test('waiting continues after an error; the timeout has that error as its cause', async () => {
  let attempts = 0
  await waitUntil(
    'the third attempt',
    10_000,
    () => {
      if (++attempts < 3) throw new Error('too early')
      return true
    },
    1,
  )
  assert.equal(attempts, 3)
  const fails = () => Promise.reject(new Error('away'))
  await assert.rejects(waitUntil('the database answers', 5, fails, 1), {
    message: 'timed out after 0 s, waiting until: the database answers',
    cause: new Error('away'),
  })
})

test('eventually ends with the first error, or after its time limit', async () => {
  await assert.rejects(
    eventually(() => Promise.reject(new Error('the server ended'))),
    /the server ended/,
  )
  await assert.rejects(
    eventually(() => null, { ms: 5, everyMs: 1 }),
    /timed out after 5 ms, waiting for: /,
  )
})

test('eventually also ends at the time limit of its test, which then ends what it has started', async () => {
  const testing = JSON.stringify(import.meta.resolve('./testing.ts'))
  const { status, stdout } = await run(`
    const { test } = await import('node:test')
    const { eventually } = await import(${testing})
    test('waits for ever', { timeout: 500 }, async () => {
      const started = setInterval(() => {}, 1000)
      try {
        await eventually(() => false)
      } finally {
        await eventually(() => true)
        clearInterval(started)
        console.log('ended what it started')
      }
    })`)
  assert.equal(status, 1)
  assert.match(stdout, /ended what it started/)
})

/** A server that answers "done" to its first packet and then ends the connection, behind a proxy. */
async function startServer() {
  const received = Promise.withResolvers<string>()
  const answer = (socket: Socket) => {
    socket.on('error', () => {})
    socket.once('data', packet => {
      received.resolve(String(packet))
      socket.end('done')
    })
    socket.on('close', () => received.resolve(''))
  }
  const server = await startStubServer(createServer(answer))
  const proxy = await startDatabaseProxy(`mysql://user@127.0.0.1:${server.port}/board`)
  return {
    proxy,
    received: received.promise,
    connect: () => connect(Number(new URL(proxy.url).port), '127.0.0.1').on('error', () => {}),
    async [Symbol.asyncDispose]() {
      await proxy[Symbol.asyncDispose]()
      await server[Symbol.asyncDispose]()
    },
  }
}

/** Sends "COMMIT" through a proxy that has a trap for it. */
async function commitThrough(fate: Fate): Promise<{ received: string; answered: string }> {
  await using server = await startServer()
  server.proxy.trap('COMMIT', fate)
  const client = server.connect()
  client.write('COMMIT')
  const answered = await text(client)
  return { received: await server.received, answered }
}

test('the proxy cuts a packet, its answer or neither at the given byte', async () => {
  assert.deepEqual(await commitThrough({ kind: 'pass' }), { received: 'COMMIT', answered: 'done' })
  assert.deepEqual(await commitThrough({ kind: 'cut-answer', afterBytes: 2 }), {
    received: 'COMMIT',
    answered: 'do',
  })
  assert.deepEqual(await commitThrough({ kind: 'cut-request', afterBytes: 3 }), {
    received: 'COM',
    answered: '',
  })
})

test('a cut leaves at least a byte out', async () => {
  const { answered } = await commitThrough({ kind: 'cut-answer', afterBytes: 99 })
  assert.equal(answered, 'don')
})

test('cut off, it ends connections and refuses new ones; restored, it listens where it did', async () => {
  await using server = await startServer()
  const before = server.connect()
  await once(before, 'connect')
  const ended = once(before, 'close')
  await server.proxy.refuse()
  await ended
  const [error] = await once(server.connect(), 'error')
  assert.equal(error.code, 'ECONNREFUSED')
  await server.proxy.restore()
  const after = server.connect()
  after.write('COMMIT')
  assert.equal(await text(after), 'done')
})

test('silent, it accepts connections, and passes on what was sent only once it is restored', async () => {
  await using server = await startServer()
  const before = server.connect()
  await once(before, 'connect')
  server.proxy.silence()
  const meanwhile = server.connect()
  await once(meanwhile, 'connect')
  before.write('COMMIT')
  let isRestored = false
  before.on('data', () => assert.ok(isRestored))
  // A second proxy on the same machine is passed meanwhile: the first one had the time.
  assert.equal((await commitThrough({ kind: 'pass' })).answered, 'done')
  isRestored = true
  await server.proxy.restore()
  assert.equal(await server.received, 'COMMIT')
  await once(before, 'close')
  meanwhile.destroy()
})

test('a metric is found by its whole name, and one that is missing is an error', async () => {
  await using server = await startStubServer((_, response) =>
    response.end('# TYPE hits counter\nhits_total{server="a"} 3\nhits{server="a"} 12\n'),
  )
  const { host } = new URL(server.url)
  assert.equal(await readMetric(host, 'hits'), 12)
  await assert.rejects(readMetric(host, 'misses'), /has no misses at/)
})
