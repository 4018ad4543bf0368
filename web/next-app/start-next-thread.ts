import { readFile } from 'node:fs/promises'
import type { OutgoingHttpHeaders } from 'node:http'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { z } from 'zod'
import { AnswerError } from '../http/errors.ts'
import { type AskNext, type NextAnswer, pageRenderer } from './ask.ts'
import type { FromThread, ToThread } from './messages.ts'
import type { NextApp } from './next-app.ts'

/** Of one connection, or of one answer's making: Node sets them anew for the client's. */
const ownOfEach = ['connection', 'keep-alive', 'transfer-encoding', 'date']

/**
 * Starts Next's standalone output in `dir` in a thread of its own: rendering takes tens of milliseconds at a time, in
 * which page views would have to wait for their numbers. The thread's end is the replica's: nothing catches it.
 */
export async function startNextThread(dir: string): Promise<NextApp> {
  const thread = new Worker(join(dir, 'next-thread.mjs'), {
    workerData: dir,
    env: { ...process.env, __NEXT_PRIVATE_STANDALONE_CONFIG: await readStandaloneConfig(dir) },
    // What one rendering leaves behind; by itself V8 would let it grow by another 10 MB.
    resourceLimits: { maxYoungGenerationSizeMb: 4 },
  })
  const started = Promise.withResolvers<void>()
  const asked = new Map<number, PromiseWithResolvers<NextAnswer>>()
  let asks = 0

  thread.on('message', (message: FromThread) => {
    if (message.kind === 'started') return started.resolve()
    const { id } = message
    if (message.kind === 'answer') asked.get(id)?.resolve(message.answer)
    else asked.get(id)?.reject(message.failure)
    asked.delete(id)
  })
  thread.on('exit', status => {
    throw new Error(`Next's thread ended with status ${status}`)
  })
  await started.promise

  const ask: AskNext = request => {
    const id = ++asks
    const answer = Promise.withResolvers<NextAnswer>()
    asked.set(id, answer)
    thread.postMessage({ id, request } satisfies ToThread)
    return answer.promise
  }

  return {
    async handle({ method, url = '/', headers }, response) {
      if (method !== 'GET' && method !== 'HEAD') {
        response.setHeader('Allow', 'GET, HEAD')
        throw new AnswerError(405, 'method_not_allowed', 'Only GET and HEAD are taken here.')
      }
      const answer = await ask({ method, url, headers, view: null })
      response.writeHead(answer.status, headersToPass(answer.headers))
      response.end(answer.body)
    },
    upgrade: (_request, socket) => void socket.destroy(),
    renderPage: pageRenderer(ask),
  }
}

function headersToPass(headers: OutgoingHttpHeaders): OutgoingHttpHeaders {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !ownOfEach.includes(name)))
}

/** The configuration of the build, as the server.js that Next generates hands it over: so none is looked for or loaded. */
async function readStandaloneConfig(dir: string): Promise<string> {
  const text = await readFile(join(dir, '.next/required-server-files.json'), 'utf8')
  return JSON.stringify(z.object({ config: z.unknown() }).parse(JSON.parse(text)).config)
}
