import { getPriority, setPriority } from 'node:os'
import { parentPort, workerData } from 'node:worker_threads'
import type { FromThread, ToThread } from './next-app.ts'
import { startNext } from './run-next.ts'

// The thread of the replica in which Next runs: it answers what start-next-app.ts asks it.

const port = parentPort
if (!port) throw new Error('this runs in a thread of a replica')

// Page views go first where the processor is short: they wait for a number, a rendering for nobody. Only Linux knows threads
// of different priority. Source: https://man7.org/linux/man-pages/man2/setpriority.2.html#BUGS
// It is counted from what the replica was given: only root may ask for more than that.
if (process.platform === 'linux') setPriority(Math.min(19, getPriority() + 10))

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
