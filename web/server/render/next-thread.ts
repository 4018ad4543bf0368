import { readFileSync } from 'node:fs'
import { readFile, stat } from 'node:fs/promises'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createRequire } from 'node:module'
import { getPriority, setPriority } from 'node:os'
import { extname, join, relative } from 'node:path'
import { parentPort, workerData } from 'node:worker_threads'
import type { FromThread, NextAnswer, RequestNext, ToThread } from './next-app.ts'
import { answerBy } from './run-next.ts'
import { shortenHtml } from './short-html.ts'

// Next's thread in a built replica: it answers the requests of start-next-app.ts. It calls the build's entry points itself, as an
// adapter does, without Next's server: that would load 308 more modules and 11 MB of heap (docs/decisions/rendering.md).
// Source: https://nextjs.org/docs/app/api-reference/adapters/invoking-entrypoints

const port = parentPort
if (!port) throw new Error('this runs in a thread of a replica')

// Page views have priority over rendering: they wait for a number, while no visitor waits for a rendering. Only Linux
// has a priority per thread. Source: https://man7.org/linux/man-pages/man2/setpriority.2.html#BUGS The priority is
// relative to the replica's: only root may raise it above that.
if (process.platform === 'linux') setPriority(Math.min(19, getPriority() + 10))

const dir = String(workerData)
const load = createRequire(join(dir, 'next-thread.mjs'))

type EntryPoint = {
  handler(
    request: IncomingMessage,
    response: ServerResponse,
    context: { requestMeta: { relativeProjectDir: string } },
  ): Promise<void>
}

/** The entry point of each path: the page, the page for unknown paths, and routes like the icon. */
function readEntryPoints(): ReadonlyMap<string, EntryPoint> {
  const manifest = (file: string): Record<string, string> =>
    JSON.parse(readFileSync(join(dir, '.next', file), 'utf8'))
  const files = manifest('server/app-paths-manifest.json')
  const entries = Object.entries(manifest('app-path-routes-manifest.json')).map(
    ([source, path]): [string, EntryPoint] => [
      path,
      load(join(dir, '.next/server', files[source] ?? source)),
    ],
  )
  return new Map(entries)
}

const staticPath = '/_next/static/'

/** By a file's ending: what Next's build writes. */
const contentTypes: Record<string, string> = {
  '.js': 'application/javascript; charset=UTF-8',
  '.css': 'text/css; charset=UTF-8',
  '.json': 'application/json; charset=UTF-8',
  '.map': 'application/json; charset=UTF-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
}

/** A file of the build. Its name changes with its content. @throws if there is none */
async function readStatic(url: string): Promise<NextAnswer> {
  const file = join(dir, '.next/static', decodeURIComponent(url.slice(staticPath.length)))
  const [{ mtime }, body] = await Promise.all([stat(file), readFile(file)])
  const headers = {
    'cache-control': 'public, max-age=31536000, immutable',
    'last-modified': mtime.toUTCString(),
    etag: `W/"${body.length.toString(16)}-${mtime.getTime().toString(16)}"`,
    'content-type': contentTypes[extname(file)] ?? 'application/octet-stream',
  }
  return { status: 200, headers, body }
}

// The page and all of Next find the mode and Node's classes in globals, as Next's server would set them.
Object.assign(process.env, { NODE_ENV: 'production' })
load('next/dist/server/node-environment')
load('next/dist/server/require-hook')
const entryPoints = readEntryPoints()
const context = { requestMeta: { relativeProjectDir: relative(process.cwd(), dir) || '.' } }

const requestNext: RequestNext = async request => {
  if (request.url.startsWith(staticPath)) return readStatic(request.url)
  const entry = entryPoints.get(request.url)
  if (!entry) throw new Error(`Next's build has no ${request.url}`)
  const answer = await answerBy((incoming, response) => {
    // An adapter sets the status of the page for unknown paths.
    if (request.url === '/_not-found') response.statusCode = 404
    return entry.handler(incoming, response, context)
  }, request)
  if (!String(answer.headers['content-type']).startsWith('text/html')) return answer
  return { ...answer, body: Buffer.from(shortenHtml(Buffer.from(answer.body).toString())) }
}

const send = (message: FromThread) => port.postMessage(message)

port.on('message', async ({ id, request }: ToThread) => {
  try {
    send({ kind: 'answer', id, answer: await requestNext(request) })
  } catch (failure) {
    send({ kind: 'failure', id, failure })
  }
})
send({ kind: 'started' })
