import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { promisify } from 'node:util'

/** Stands in for the thread of a built replica: says what it was asked, the second question first. */
const program = `
import { parentPort } from 'node:worker_threads'
let held = null
parentPort.on('message', ({ id, request }) => {
  if (request.url === '/end') process.exit(0)
  const headers = { 'content-type': 'text/plain', 'x-of-next': 'yes', connection: 'close', date: 'long ago' }
  const answer = { status: 200, headers, body: Buffer.from(request.method + ' ' + request.url) }
  const tell = () => parentPort.postMessage(
    request.url === '/fail' ? { kind: 'failure', id, failure: new Error('as Next threw it') } : { kind: 'answer', id, answer })
  if (request.url === '/first') held = tell
  else { tell(); held?.(); held = null }
})
parentPort.postMessage({ kind: 'started' })
`

let dir = ''

before(async () => {
  dir = await mkdtemp(join(tmpdir(), 'next-thread-'))
  await mkdir(join(dir, '.next'))
  await writeFile(join(dir, '.next/required-server-files.json'), '{"config":{}}')
  await writeFile(join(dir, 'next-thread.mjs'), program)
})

after(() => rm(dir, { recursive: true }))

/** Runs this with `next` and `serve` in a process of its own, since the end of the thread is the end of that. */
async function inProcess(script: string) {
  const fromHere = (file: string) => JSON.stringify(join(import.meta.dirname, file))
  const begin = `const { startNextThread } = await import(${fromHere('start-next-thread.ts')})
    const { serve } = await import(${fromHere('../endpoints/endpoint-fixture.ts')})
    const next = await startNextThread(${JSON.stringify(dir)});`
  const file = join(dir, 'replica.mjs')
  await writeFile(file, begin + script)
  return promisify(execFile)(process.execPath, [file])
}

test('a page is rendered, and its answer finds its question', async () => {
  const { stdout } = await inProcess(`console.log(await next.renderPage({}, {})); process.exit()`)
  assert.equal(stdout, 'GET /\n')
})

test('what Next answers is passed on, but for what is of one connection', async () => {
  const { stdout } = await inProcess(`
    const { url, close } = await serve((request, response) => {
      request.url = '/asset.js'
      return next.handle(request, response)
    })
    const answer = await fetch(url)
    const { 'x-of-next': own, connection, date } = Object.fromEntries(answer.headers)
    console.log(JSON.stringify([await answer.text(), own, connection, date !== 'long ago']))
    process.exit()`)
  assert.deepEqual(JSON.parse(stdout), ['GET /asset.js', 'yes', 'keep-alive', true])
})

test('answers may overtake each other, and a failure is told to who asked', async () => {
  const { stdout } = await inProcess(`
    const told = []
    const ask = url => next.handle({ method: 'GET', url, headers: {} }, {
      writeHead: () => {},
      end: body => told.push(Buffer.from(body).toString()),
    }).catch(error => told.push(error.message))
    await Promise.all([ask('/first'), ask('/second')])
    await ask('/fail')
    console.log(JSON.stringify(told))
    process.exit()`)
  assert.deepEqual(JSON.parse(stdout), ['GET /second', 'GET /first', 'as Next threw it'])
})

test('nothing is sent to Next', async () => {
  const { stdout } = await inProcess(`
    const { url } = await serve((request, response) => {
      request.method = 'POST'
      return next.handle(request, response)
    })
    const { status, headers } = await fetch(url)
    console.log(status, headers.get('allow'))
    process.exit()`)
  assert.equal(stdout, '405 GET, HEAD\n')
})

test('when the thread ends, the replica does', async () => {
  await assert.rejects(
    inProcess(`await next.handle({ method: 'GET', url: '/end', headers: {} }, {})`),
    /thread ended with status 0/,
  )
})
