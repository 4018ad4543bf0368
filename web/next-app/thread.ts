import { parentPort, workerData } from 'node:worker_threads'
import type { FromThread, ToThread } from './messages.ts'
import { startNext } from './start-next.ts'

// The thread of the replica in which Next runs: it answers what start-next-thread.ts asks it.

const port = parentPort
if (!port) throw new Error('this runs in a thread of a replica')
const tell = (message: FromThread) => port.postMessage(message)
const { ask } = await startNext(String(workerData), false)

port.on('message', async ({ id, request }: ToThread) => {
  try {
    tell({ kind: 'answer', id, answer: await ask(request) })
  } catch (failure) {
    tell({ kind: 'failure', id, failure })
  }
})
tell({ kind: 'started' })
