import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { z } from 'zod'
import { type AskNext, type NextAnswer, notFoundPage, pageRenderer } from './ask.ts'
import { assetEndpoint, findAssets } from './assets.ts'
import type { FromThread, ToThread } from './messages.ts'
import type { NextApp } from './next-app.ts'

/** s that one question to Next may take. A rendering takes tens of milliseconds. */
const hungAfter = 30

type Question = PromiseWithResolvers<NextAnswer> & { seconds: number }

/**
 * Starts Next's standalone output in `dir` in a thread of its own: rendering takes tens of milliseconds at a time, in
 * which page views would have to wait for their numbers. The thread's end is the replica's: nothing catches it. The same
 * when the thread hangs, since every page would then be the last one that was rendered.
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
