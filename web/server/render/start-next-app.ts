import { readdir, readFile } from 'node:fs/promises'
import type { OutgoingHttpHeaders } from 'node:http'
import { join, relative, sep } from 'node:path'
import { Worker } from 'node:worker_threads'
import { z } from 'zod'
import { AnswerError } from '../errors.ts'
import type { Endpoint } from '../http/router.ts'
import {
  type AskNext,
  type FromThread,
  type NextAnswer,
  type NextApp,
  notFoundPage,
  pageRenderer,
  type ToThread,
} from './next-app.ts'

/** Starts Next's app in `dir`; in development in this thread, where hot reload finds the browser's connections. */
export async function startNextApp(dir: string, development: boolean): Promise<NextApp> {
  if (!development) return startNextThread(dir)
  // A built replica never needs it in this thread.
  const { startNext } = await import('./run-next.ts')
  const { handle, upgrade, ask } = await startNext(dir, development)
  return { has: () => true, handle, upgrade, renderPage: pageRenderer(ask), notFoundPage: null }
}

/** s that one question to Next may take. A rendering takes tens of milliseconds. */
const hungAfter = 30

type Question = PromiseWithResolvers<NextAnswer> & { seconds: number }

/**
 * Starts Next's standalone output in `dir` in a thread of its own: rendering takes tens of milliseconds at a time, in
 * which page views would have to wait for their numbers. The thread's end is the replica's: nothing catches it. The same
 * when the thread hangs, since every page would then be the last one that was rendered.
 * @public Its test imports it by path, in another process.
 */
export async function startNextThread(dir: string, hungAfterSeconds = hungAfter): Promise<NextApp> {
  const thread = new Worker(join(dir, 'next-thread.mjs'), {
    workerData: dir,
    env: { ...process.env, __NEXT_PRIVATE_STANDALONE_CONFIG: await readStandaloneConfig(dir) },
    // What one rendering leaves behind; by itself V8 would let it grow by another 10 MB.
    resourceLimits: { maxYoungGenerationSizeMb: 4 },
  })
  const started = Promise.withResolvers<void>()
  const questions = new Map<number, Question>()
  let asks = 0

  thread.on('message', (message: FromThread) => {
    if (message.kind === 'started') return started.resolve()
    const { id } = message
    if (message.kind === 'answer') questions.get(id)?.resolve(message.answer)
    else questions.get(id)?.reject(message.failure)
    questions.delete(id)
  })
  thread.on('exit', status => {
    throw new Error(`Next's thread ended with status ${status}`)
  })
  await started.promise

  // Counted by turns and not by a clock: a process that was frozen for a minute has waited for one turn.
  setInterval(() => {
    for (const question of questions.values()) {
      question.seconds += 1
      if (question.seconds > hungAfterSeconds)
        throw new Error(`Next's thread has not answered for ${hungAfterSeconds} s`)
    }
  }, 1000).unref()

  const ask: AskNext = request => {
    const id = ++asks
    const question = { ...Promise.withResolvers<NextAnswer>(), seconds: 0 }
    questions.set(id, question)
    thread.postMessage({ id, request } satisfies ToThread)
    return question.promise
  }

  const assets = await findAssets(dir)
  return {
    has: path => assets.has(path),
    handle: assetEndpoint(ask),
    upgrade: (_request, socket) => void socket.destroy(),
    renderPage: pageRenderer(ask),
    notFoundPage: await notFoundPage(ask),
  }
}

/** The configuration of the build, as the server.js that Next generates hands it over: so none is looked for or loaded. */
async function readStandaloneConfig(dir: string): Promise<string> {
  const text = await readFile(join(dir, '.next/required-server-files.json'), 'utf8')
  return JSON.stringify(z.object({ config: z.unknown() }).parse(JSON.parse(text)).config)
}

// What a built replica serves beside its page: the files of the build, and routes such as the icon. The build says which
// these are, so Next is asked for nothing else: it would render a page for each request for what does not exist.

/** Of one connection, or of one answer's making: Node sets them for each client. */
const ownOfEach = ['connection', 'keep-alive', 'transfer-encoding', 'date']

/** The paths of all assets of the build in `dir`. */
async function findAssets(dir: string): Promise<ReadonlySet<string>> {
  return new Set([...(await listStaticFiles(dir)), ...(await listRoutes(dir))])
}

/**
 * Answers GET and HEAD for an asset. Next is asked once for each: an asset stays the same while the replica runs, so every
 * client gets the same bytes. A query changes nothing.
 */
function assetEndpoint(ask: AskNext): Endpoint {
  const answers = new Map<string, Promise<NextAnswer>>()

  async function answerFor(path: string): Promise<NextAnswer> {
    const answer = await ask({ method: 'GET', url: path, headers: {}, view: null })
    if (answer.status !== 200) throw new Error(`Next answered ${answer.status} for ${path}`)
    return answer
  }

  return async ({ method, url = '/' }, response) => {
    if (method !== 'GET' && method !== 'HEAD') {
      response.setHeader('Allow', 'GET, HEAD')
      throw new AnswerError(405, 'method_not_allowed', 'Only GET and HEAD are taken here.')
    }
    const path = url.replace(/[?#].*/s, '')
    const asked = answers.get(path) ?? answerFor(path)
    answers.set(path, asked)
    // The next request may find that it answers.
    asked.catch(() => answers.delete(path))
    const { status, headers, body } = await asked
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
    // As a browser writes it.
    return new URL(`/_next/static/${path}`, 'http://replica').pathname
  })
}

/** Files under web/app that Next serves at a path without a hash, such as icon.svg. */
async function listRoutes(dir: string): Promise<string[]> {
  const text = await readFile(join(dir, '.next/app-path-routes-manifest.json'), 'utf8')
  const routes = z.record(z.string(), z.string()).parse(JSON.parse(text))
  return Object.entries(routes).flatMap(([source, path]) => (source.endsWith('/route') ? [path] : []))
}

function headersToPass(headers: OutgoingHttpHeaders): OutgoingHttpHeaders {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !ownOfEach.includes(name)))
}
