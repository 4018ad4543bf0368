import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, symlink, writeFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { after, before, test } from 'node:test'
import { promisify } from 'node:util'
import { Worker } from 'node:worker_threads'
import { temporaryFolder } from '../../../tools/lib/testing.ts'
import type { FromThread, ToThread } from './next-app.ts'

/** Replaces a built replica's thread: it answers with the request, the second request first. It hangs at /hang. */
const program = `
import { parentPort } from 'node:worker_threads'
let held = null
parentPort.on('message', ({ id, request }) => {
  if (request.url === '/end') process.exit(0)
  if (request.url === '/hang') for (;;) {}
  const headers = { 'content-type': 'text/plain', 'x-of-next': 'yes', connection: 'close', date: 'long ago' }
  const policy = request.headers['content-security-policy'] ?? ''
  const body = Buffer.from(request.method + ' ' + request.url + policy)
  const answer = { status: request.url === '/_not-found' ? 404 : 200, headers, body }
  const tell = () => parentPort.postMessage(
    request.url === '/fail' ? { kind: 'failure', id, failure: new Error('as Next threw it') } : { kind: 'answer', id, answer })
  if (request.url === '/first') held = tell
  else { tell(); held?.(); held = null }
})
parentPort.postMessage({ kind: 'started' })
`

const folder = await temporaryFolder()
const dir = folder.path

before(async () => {
  await mkdir(join(dir, '.next/static/chunks'), { recursive: true })
  await writeFile(join(dir, '.next/static/chunks/a b~(1).js'), '')
  const routes = { '/page': '/', '/_not-found/page': '/_not-found', '/icon.svg/route': '/icon.svg' }
  await writeFile(join(dir, '.next/app-path-routes-manifest.json'), JSON.stringify(routes))
  await writeFile(join(dir, 'next-thread.mjs'), program)
})

after(folder.remove)

/** Runs this with `next` and `serve` in a separate process, since the end of the thread ends the process. */
async function inProcess(script: string, hungAfter = 30) {
  const fromHere = (file: string) => JSON.stringify(import.meta.resolve(`./${file}`))
  const begin = `const { startNextThread } = await import(${fromHere('start-next-app.ts')})
    const { serve } = await import(${fromHere('../../testing/endpoints.ts')})
    const next = await startNextThread(${JSON.stringify(dir)}, ${hungAfter});`
  const file = join(dir, 'replica.mjs')
  await writeFile(file, begin + script)
  return promisify(execFile)(process.execPath, [file])
}

test('a page is rendered, and the answer is matched to its request', async () => {
  const { stdout } = await inProcess(`console.log(await next.renderPage({}, {})); process.exit()`)
  assert.equal(stdout, 'GET /\n')
})

test('Next’s answer is passed on, except for headers of one connection', async () => {
  const { stdout } = await inProcess(`
    const { url, close } = await serve((request, response) => {
      request.url = '/asset.js'
      return next.handle(request, response, new URL(request.url, 'http://replica'))
    })
    const answer = await fetch(url)
    const { 'x-of-next': own, connection, date } = Object.fromEntries(answer.headers)
    console.log(JSON.stringify([await answer.text(), own, connection, date !== 'long ago']))
    process.exit()`)
  assert.deepEqual(JSON.parse(stdout), ['GET /asset.js', 'yes', 'keep-alive', true])
})

test('Next has the files and routes of the build, and no other path', async () => {
  const { stdout } = await inProcess(`
    const paths = ['/_next/static/chunks/a%20b~(1).js', '/icon.svg', '/', '/_not-found', '/_next/static', '/icon.svg/',
      '/_next/static/chunks', '/_next/static/chunks/b.js', '/_next/static/chunks%2Fa%20b~(1).js', '/__proto__']
    console.log(JSON.stringify(paths.filter(path => next.has(path))))
    process.exit()`)
  assert.deepEqual(JSON.parse(stdout), ['/_next/static/chunks/a%20b~(1).js', '/icon.svg'])
})

test('unknown paths have a page, rendered in advance', async () => {
  const { stdout } = await inProcess(`
    console.log(next.notFoundPage.fill({ nonce: 'abc' }))
    process.exit()`)
  assert.match(stdout, /^GET \/_not-found.*'nonce-abc'/)
})

test('an asset is requested from Next once, for any number of clients, any query and any host before the path', async () => {
  const { stdout } = await inProcess(`
    const answers = []
    const want = url => next.handle({ method: 'GET', url, headers: {} }, {
      writeHead: (status, headers) => answers.push(headers['content-length']),
      end: body => answers.push(body),
    }, new URL(url, 'http://replica'))
    await Promise.all([want('/icon.svg'), want('/icon.svg?a')])
    await want('/icon.svg?b')
    await want('http://other.example/icon.svg')
    console.log(JSON.stringify([answers.length, answers[0], answers[1] === answers[3] && answers[3] === answers[5] && answers[5] === answers[7]]))
    process.exit()`)
  assert.deepEqual(JSON.parse(stdout), [8, 13, true])
})

test('answers may overtake each other, and a failure reaches its caller', async () => {
  const { stdout } = await inProcess(`
    const answers = []
    const requestPath = url => next.handle({ method: 'GET', url, headers: {} }, {
      writeHead: () => {},
      end: body => answers.push(Buffer.from(body).toString()),
    }, new URL(url, 'http://replica')).catch(error => answers.push(error.message))
    await Promise.all([requestPath('/first'), requestPath('/second')])
    await requestPath('/fail')
    console.log(JSON.stringify(answers))
    process.exit()`)
  assert.deepEqual(JSON.parse(stdout), ['GET /second', 'GET /first', 'as Next threw it'])
})

test('other requests are not sent to Next', async () => {
  const { stdout } = await inProcess(`
    const { url } = await serve((request, response) => {
      request.method = 'POST'
      return next.handle(request, response, new URL(request.url, 'http://replica'))
    })
    const { status, headers } = await fetch(url)
    console.log(status, headers.get('allow'))
    process.exit()`)
  assert.equal(stdout, '405 GET, HEAD\n')
})

test('when the thread ends, the replica ends', async () => {
  await assert.rejects(
    inProcess(
      `await next.handle({ method: 'GET', url: '/end', headers: {} }, {}, new URL('http://replica/end'))`,
    ),
    /thread ended with status 0/,
  )
})

test('when the thread hangs, the replica ends', async () => {
  const hung = inProcess(
    `await next.handle({ method: 'GET', url: '/hang', headers: {} }, {}, new URL('http://replica/hang'))`,
    1,
  )
  await assert.rejects(hung, /thread has not answered for 1 s/)
})

/** The build of a page that answers with its status and how it was called, and that fails at /icon.svg. */
const entryPoint = `
exports.handler = async (request, response, { requestMeta }) => {
  if (request.url === '/icon.svg') throw new Error('no icon')
  response.end(response.statusCode + ' ' + request.url + ' ' + requestMeta.relativeProjectDir)
}`

test('Next’s thread calls the build’s entry points and reads its files', async () => {
  await using build = await temporaryFolder()
  const next = join(build.path, '.next')
  await mkdir(join(next, 'static/chunks'), { recursive: true })
  await mkdir(join(next, 'server'))
  await writeFile(join(next, 'static/chunks/a b.js'), 'a script')
  await writeFile(join(next, 'server/entry.js'), entryPoint)
  const routes = { '/page': '/', '/_not-found/page': '/_not-found', '/icon.svg/route': '/icon.svg' }
  await writeFile(join(next, 'app-path-routes-manifest.json'), JSON.stringify(routes))
  const files = Object.fromEntries(Object.keys(routes).map(source => [source, 'entry.js']))
  await writeFile(join(next, 'server/app-paths-manifest.json'), JSON.stringify(files))
  const root = join(import.meta.dirname, '../../..')
  await symlink(join(root, 'node_modules'), join(build.path, 'node_modules'))

  const thread = new Worker(join(import.meta.dirname, 'next-thread.ts'), { workerData: build.path })
  try {
    const requestPath = async (url: string) => {
      const answered = once(thread, 'message')
      thread.postMessage({
        id: 1,
        request: { method: 'GET', url, headers: {}, view: null },
      } satisfies ToThread)
      const [message]: FromThread[] = await answered
      if (message?.kind === 'failure') return String(message.failure)
      assert.equal(message?.kind, 'answer')
      const { status, headers, body } = message.answer
      return { status, type: headers['content-type'], body: Buffer.from(body).toString() }
    }
    await once(thread, 'message')
    const folder = relative(process.cwd(), build.path)
    assert.deepEqual(await requestPath('/'), { status: 200, type: undefined, body: `200 / ${folder}` })
    const unknown = { status: 404, type: undefined, body: `404 /_not-found ${folder}` }
    assert.deepEqual(await requestPath('/_not-found'), unknown)
    assert.equal(await requestPath('/icon.svg'), 'Error: no icon')
    const type = 'application/javascript; charset=UTF-8'
    assert.deepEqual(await requestPath('/_next/static/chunks/a%20b.js'), {
      status: 200,
      type,
      body: 'a script',
    })
    assert.match(String(await requestPath('/_next/static/chunks/b.js')), /ENOENT/)
    assert.match(String(await requestPath('/other')), /Next's build has no \/other/)
  } finally {
    await thread.terminate()
  }
})
