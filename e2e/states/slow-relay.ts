import { once } from 'node:events'
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { setTimeout as pause } from 'node:timers/promises'

/** Where a browser may paint what it has: after each of many that are alike, and each part of the page. */
const ends = /(?<=<\/(?:li|section)>)/
/** ms between two pieces: time enough for a frame */
const apartMs = 150

export type Relay = AsyncDisposable & { url: string }

/** Passes everything on to the board at `url`, and its page piece by piece, as over a network that has hardly any room. */
export async function openSlowRelay(url: string): Promise<Relay> {
  const server = createServer((asked, answer) => {
    const headers = { ...asked.headers, 'accept-encoding': 'identity' }
    const relayed = request(new URL(asked.url ?? '/', url), { method: asked.method, headers }, found => {
      answer.writeHead(found.statusCode ?? 502, found.headers)
      if (asked.url === '/') trickle(found, answer).catch(() => answer.destroy())
      else found.pipe(answer)
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

async function trickle(page: IncomingMessage, answer: ServerResponse): Promise<void> {
  for (const piece of (await text(page)).split(ends)) {
    answer.write(piece)
    await pause(apartMs)
  }
  answer.end()
}
