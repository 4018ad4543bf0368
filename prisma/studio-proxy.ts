import { once } from 'node:events'
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  request,
  type ServerResponse,
} from 'node:http'
import { text } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'
import { answers } from '../tools/lib/answers.ts'
import { codeOf } from '../web/server/error-code.ts'

/**
 * Stands between the browser and Prisma Studio, whose page does not work on MariaDB: it asks for each table's columns as JSON,
 * which MySQL returns as a value and MariaDB as a text. Needed until Studio parses it itself.
 * Source: https://github.com/prisma/studio/issues/1367
 */
export type StudioProxy = AsyncDisposable & {
  url: string
  /** whether Studio answers yet */
  answers(): Promise<boolean>
}

/** Listens on `port` of this machine alone, for the Studio on `studioPort`. @throws an Error with one sentence where it cannot */
export async function openStudioProxy(port: number, studioPort: number): Promise<StudioProxy> {
  if (!Number.isInteger(port) || port < 1 || port > 65_535)
    throw new Error(`--port takes a port, and not: ${port}`)
  const server = createServer((asked, answer) => void pass(studioPort, asked, answer))
  server.listen(port, 'localhost')
  await once(server, 'listening').catch(error => {
    throw new Error(`Studio cannot listen on port ${port} (${codeOf(error)}): choose another with -- --port`)
  })
  const url = `http://localhost:${port}`
  return {
    url,
    answers: () => answers(url),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

async function pass(port: number, asked: IncomingMessage, answer: ServerResponse): Promise<void> {
  // Studio's page reports what is done in it; nothing of that leaves this machine.
  if (asked.url === '/telemetry') {
    asked.resume()
    answer.writeHead(200).end()
    return
  }
  const passed = request({
    host: 'localhost',
    port,
    method: asked.method,
    path: asked.url,
    headers: asIfAskedDirectly(asked.headers, port),
  })
  try {
    const [[response]] = await Promise.all([once(passed, 'response'), pipeline(asked, passed)])
    await send(asked, response, answer)
  } catch {
    if (!answer.headersSent) answer.writeHead(502)
    answer.end()
  }
}

/** Studio answers its own page alone, and knows it by these headers. Its answers come uncompressed, to be read here. */
function asIfAskedDirectly(headers: IncomingHttpHeaders, port: number): IncomingHttpHeaders {
  const { 'accept-encoding': _, referer, origin, ...rest } = headers
  const own = `http://localhost:${port}`
  return {
    ...rest,
    host: `localhost:${port}`,
    ...(referer && { referer: `${own}/` }),
    ...(origin && { origin: origin === `http://${headers.host}` ? own : origin }),
  }
}

async function send(
  asked: IncomingMessage,
  response: IncomingMessage,
  answer: ServerResponse,
): Promise<void> {
  const { 'content-length': length, 'transfer-encoding': _, ...headers } = response.headers
  const status = response.statusCode ?? 502
  // The page would tell Prisma that Studio was opened, and how many tables it found.
  const own = { ...headers, 'content-security-policy': "connect-src 'self'" }
  if (asked.url === '/bff') {
    answer.writeHead(status, own).end(withColumns(await text(response)))
  } else {
    answer.writeHead(status, { ...own, ...(length && { 'content-length': length }) })
    await pipeline(response, answer)
  }
}

/** The answer to a query, with each table's columns as a list. Other answers stay as they are, digit for digit. */
export function withColumns(body: string): string {
  if (!body.includes('"columns":"[')) return body
  return JSON.stringify(
    JSON.parse(body, (_key, value: unknown) =>
      isTable(value) ? { ...value, columns: JSON.parse(value.columns) } : value,
    ),
  )
}

/** A row of what Studio reads to find the tables. */
function isTable(value: unknown): value is { columns: string } {
  if (typeof value !== 'object' || value === null || !('columns' in value)) return false
  const { columns } = value
  return 'schema' in value && 'name' in value && typeof columns === 'string' && columns.startsWith('[')
}
