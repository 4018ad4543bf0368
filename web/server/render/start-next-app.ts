import { readdir, readFile } from 'node:fs/promises'
import type { OutgoingHttpHeaders } from 'node:http'
import { join, relative, sep } from 'node:path'
import { Worker } from 'node:worker_threads'
import { z } from 'zod'
import { AnswerError } from '../errors.ts'
import type { Endpoint } from '../http/router.ts'
import { log } from '../log.ts'
import {
  type FromThread,
  type NextAnswer,
  type NextApp,
  notFoundPage,
  pageRenderer,
  type RequestNext,
  type ToThread,
} from './next-app.ts'

/** Starts Next's app in `dir`. In development it runs in this thread, where hot reload finds the browser's connections. */
export async function startNextApp(dir: string, development: boolean): Promise<NextApp> {
  if (!development) return startNextThread(dir)
  // Imported here: a built replica never needs it in this thread.
  const { startNext } = await import('./run-next.ts')
  const { handle, upgrade, requestNext } = await startNext(dir)
  return { has: () => true, handle, upgrade, renderPage: pageRenderer(requestNext), notFoundPage: null }
}

/** The operating system shows this name of Next's thread, as in `top -H`. */
export const nextThreadName = 'next'

/** Seconds without an answer after which Next hangs. A rendering takes tens of milliseconds. */
const hungAfter = 30

type PendingRequest = PromiseWithResolvers<NextAnswer> & { seconds: number }

/**
 * Starts Next's standalone output in `dir` in a separate thread: a rendering takes tens of milliseconds, in which page
 * views would have to wait. If the thread ends, the replica ends: nothing catches that error. The same if the thread
 * hangs, since visitors would get the last rendered page for ever.
 * @public Its test imports it by path, in another process.
 */
export async function startNextThread(dir: string, hungAfterSeconds = hungAfter): Promise<NextApp> {
  const thread = new Worker(join(dir, 'next-thread.mjs'), {
    workerData: dir,
    name: nextThreadName,
    // Enough for the garbage of one rendering. By default V8 would let it grow by another 10 MB.
    resourceLimits: { maxYoungGenerationSizeMb: 4 },
    stdout: true,
    stderr: true,
  })
  // What Next prints becomes lines of the log: one for each write.
  thread.stdout.on('data', chunk => log.info(`Next: ${String(chunk).trim()}`))
  thread.stderr.on('data', chunk => log.error(`Next: ${String(chunk).trim()}`))
  const started = Promise.withResolvers<void>()
  const pending = new Map<number, PendingRequest>()
  let lastId = 0

  thread.on('message', (message: FromThread) => {
    if (message.kind === 'started') return started.resolve()
    const { id } = message
    if (message.kind === 'answer') pending.get(id)?.resolve(message.answer)
    else pending.get(id)?.reject(message.failure)
    pending.delete(id)
  })
  thread.on('exit', status => {
    throw new Error(`Next's thread ended with status ${status}`)
  })
  await started.promise

  // Counts timer ticks instead of reading a clock: for a process that was frozen for a minute only one tick has passed.
  setInterval(() => {
    for (const request of pending.values()) {
      request.seconds += 1
      if (request.seconds > hungAfterSeconds)
        throw new Error(`Next's thread has not answered for ${hungAfterSeconds} s`)
    }
  }, 1000).unref()

  const requestNext: RequestNext = request => {
    const id = ++lastId
    const answer = { ...Promise.withResolvers<NextAnswer>(), seconds: 0 }
    pending.set(id, answer)
    thread.postMessage({ id, request } satisfies ToThread)
    return answer.promise
  }

  const assets = await findAssets(dir)
  return {
    has: path => assets.has(path),
    handle: assetEndpoint(requestNext),
    upgrade: (_request, socket) => void socket.destroy(),
    renderPage: pageRenderer(requestNext),
    notFoundPage: await notFoundPage(requestNext),
  }
}

// What a built replica serves besides its page: the build's files, and routes, e.g. the icon. The build lists them,
// so Next gets no other requests: it would render a page for each request for an unknown path.

/** Headers that belong to one connection or one answer: Node sets them for each client. */
const perAnswerHeaders = ['connection', 'keep-alive', 'transfer-encoding', 'date']

/** The paths of all assets of the build in `dir`. */
async function findAssets(dir: string): Promise<ReadonlySet<string>> {
  return new Set([...(await listStaticFiles(dir)), ...(await listRoutes(dir))])
}

/**
 * Answers GET and HEAD for an asset. Each asset is requested from Next once: it does not change while the replica runs, so all
 * clients get the same bytes. A query string is ignored, and so is a host before the path.
 */
function assetEndpoint(requestNext: RequestNext): Endpoint {
  const answers = new Map<string, Promise<NextAnswer>>()

  async function answerFor(path: string): Promise<NextAnswer> {
    const answer = await requestNext({ method: 'GET', url: path, headers: {}, view: null })
    if (answer.status !== 200) throw new Error(`Next answered ${answer.status} for ${path}`)
    return answer
  }

  return async ({ method }, response, { pathname: path }) => {
    if (method !== 'GET' && method !== 'HEAD') {
      response.setHeader('Allow', 'GET, HEAD')
      throw new AnswerError(405, 'method_not_allowed', 'Only GET and HEAD are taken here.')
    }
    const pending = answers.get(path) ?? answerFor(path)
    answers.set(path, pending)
    // Do not keep a failure: the next request may succeed.
    pending.catch(() => answers.delete(path))
    const { status, headers, body } = await pending
    response.writeHead(status, { ...headersToPass(headers), 'content-length': body.length })
    response.end(body)
  }
}

async function listStaticFiles(dir: string): Promise<string[]> {
  const folder = join(dir, '.next/static')
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const files = entries.filter(entry => entry.isFile())
  return files.map(({ parentPath, name }) => {
    const path = relative(folder, join(parentPath, name)).replaceAll(sep, '/')
    // Encode it as a browser does.
    return new URL(`/_next/static/${path}`, 'http://replica').pathname
  })
}

/** Files under web/app that Next serves at a path without a hash, e.g. icon.svg. */
async function listRoutes(dir: string): Promise<string[]> {
  const text = await readFile(join(dir, '.next/app-path-routes-manifest.json'), 'utf8')
  const routes = z.record(z.string(), z.string()).parse(JSON.parse(text))
  return Object.entries(routes).flatMap(([source, path]) => (source.endsWith('/route') ? [path] : []))
}

function headersToPass(headers: OutgoingHttpHeaders): OutgoingHttpHeaders {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !perAnswerHeaders.includes(name)))
}
