import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'

/** A server of a test's own, on a free port of this machine; closed when it goes out of scope. */
export async function startStubServer(listener: RequestListener) {
  const server = createServer(listener).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (typeof address !== 'object' || !address) throw new Error('the stub does not listen on a port')
  return {
    url: `http://127.0.0.1:${address.port}`,
    closeConnections: () => server.closeAllConnections(),
    async [Symbol.asyncDispose]() {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
}
