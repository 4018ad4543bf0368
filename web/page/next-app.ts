import { readFile } from 'node:fs/promises'
import { createServer, type IncomingMessage } from 'node:http'
import { join } from 'node:path'
import type { Duplex } from 'node:stream'
import inject from 'light-my-request'
import { z } from 'zod'
import type { Endpoint } from '../http/endpoint.ts'

export type NextApp = {
  /** Next's own handler: assets, the icon, what is not found */
  handle: Endpoint
  /** the web socket of hot reload */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void
  /** Renders `/` in this process. @throws when it is not answered 200 */
  renderPage(headers: Record<string, string>): Promise<string>
}

/** Starts Next in this process: its standalone output in `dir`, or in development its sources. */
export async function startNext(dir: string, development: boolean): Promise<NextApp> {
  // Next reads it while it is imported.
  Object.assign(process.env, { NODE_ENV: development ? 'development' : 'production' })
  if (!development) process.env.__NEXT_PRIVATE_STANDALONE_CONFIG = await readStandaloneConfig(dir)
  const { default: next } = await import('next')
  // Next listens for hot reload on the server it is given; its own upgrade handler does nothing in version 16.
  const upgrades = createServer()
  const app = next({ dev: development, dir, httpServer: upgrades })
  await app.prepare()
  const handle = app.getRequestHandler()
  return {
    handle: (request, response) => handle(request, response),
    upgrade: (request, socket, head) => void upgrades.emit('upgrade', request, socket, head),
    async renderPage(headers) {
      const answer = await inject((request, response) => handle(request, response), { url: '/', headers })
      if (answer.statusCode !== 200) throw new Error(`Next answered ${answer.statusCode} for the page`)
      return answer.payload
    },
  }
}

/** The configuration of the build, as the server.js that Next generates hands it over: so none is looked for or loaded. */
async function readStandaloneConfig(dir: string): Promise<string> {
  const text = await readFile(join(dir, '.next/required-server-files.json'), 'utf8')
  return JSON.stringify(z.object({ config: z.unknown() }).parse(JSON.parse(text)).config)
}
