import { getPriority, setPriority } from 'node:os'
import { parentPort, workerData } from 'node:worker_threads'
import type { FromThread, ToThread } from './next-app.ts'
import { startNext } from './run-next.ts'

// Next's thread in a built replica: it answers the requests of start-next-app.ts.

const port = parentPort
if (!port) throw new Error('this runs in a thread of a replica')

// Page views have priority over rendering: they wait for a number, while no visitor waits for a rendering. Only Linux
// has a priority per thread. Source: https://man7.org/linux/man-pages/man2/setpriority.2.html#BUGS The priority is
// relative to the replica's: only root may raise it above that.
if (process.platform === 'linux') setPriority(Math.min(19, getPriority() + 10))

const send = (message: FromThread) => port.postMessage(message)
const { requestNext } = await startNext(String(workerData), false)

port.on('message', async ({ id, request }: ToThread) => {
  try {
    send({ kind: 'answer', id, answer: await requestNext(request) })
  } catch (failure) {
    send({ kind: 'failure', id, failure })
  }
})
send({ kind: 'started' })
