import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import inject from 'light-my-request'
import { withPageView } from '../../shared/page-view.ts'
import type { NextAnswer, NextApp, NextRequest, RequestNext } from './next-app.ts'

type RunningNext = Pick<NextApp, 'handle' | 'upgrade'> & { requestNext: RequestNext }

/** Starts Next's development server in this thread, with the sources in `dir`. */
export async function startNext(dir: string): Promise<RunningNext> {
  // Next reads NODE_ENV while it is imported.
  Object.assign(process.env, { NODE_ENV: 'development' })
  const { default: next } = await import('next')
  // Next listens for hot reload on the given server; its own upgrade handler does nothing in version 16.
  const upgrades = createServer()
  const app = next({ dev: true, dir, httpServer: upgrades })
  await app.prepare()
  const handle = app.getRequestHandler()
  return {
    handle: (request, response) => handle(request, response),
    upgrade: (request, socket, head) => void upgrades.emit('upgrade', request, socket, head),
    requestNext: request => answerBy(handle, request),
  }
}

/** What `handler` answers to a request without a network connection. @throws what `handler` throws */
export async function answerBy(
  handler: (request: IncomingMessage, response: ServerResponse) => Promise<void>,
  { view, ...request }: NextRequest,
): Promise<NextAnswer> {
  // The view wraps only Next's handler: `inject` calls it later, so a view around `inject` could be lost.
  const { statusCode, headers, rawPayload } = await inject((incoming, response) => {
    const answer = () => handler(incoming, response).catch(error => response.destroy(error))
    return view ? withPageView(view, answer) : answer()
  }, request)
  return { status: statusCode, headers, body: rawPayload }
}
