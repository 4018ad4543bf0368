import { once } from 'node:events'
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export type Relay = AsyncDisposable & { url: string }

type Options = {
  /** what to ask the board for; null: this relay answers 404 itself; default: the path as it came */
  pathOf?: (path: string) => string | null
  /** how to pass an answer on; default: as it comes */
  pass?: (path: string, found: IncomingMessage, answer: ServerResponse) => void
}

/** A proxy in front of the board at `url`, on a port of this machine. */
export async function openRelay(
  url: string,
  { pathOf = path => path, pass = (_path, found, answer) => found.pipe(answer) }: Options = {},
): Promise<Relay> {
  const server = createServer((asked, answer) => {
    const path = pathOf(asked.url ?? '/')
    if (path === null) {
      answer.writeHead(404).end()
      return
    }
    const headers = { ...asked.headers, 'accept-encoding': 'identity' }
    const relayed = request(new URL(path, url), { method: asked.method, headers }, found => {
      answer.writeHead(found.statusCode ?? 502, found.headers)
      pass(path, found, answer)
    })
    relayed.on('error', () => answer.destroy())
    answer.on('close', () => relayed.destroy())
    asked.pipe(relayed)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      server.close()
      server.closeAllConnections()
    },
  }
}
