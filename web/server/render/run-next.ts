import { createServer } from 'node:http'
import inject from 'light-my-request'
import { withPageView } from '../../shared/page-view.ts'
import type { NextApp, RequestNext } from './next-app.ts'

export type RunningNext = Pick<NextApp, 'handle' | 'upgrade'> & { requestNext: RequestNext }

/** Starts Next in this thread: its standalone output in `dir`; in development its sources. */
export async function startNext(dir: string, development: boolean): Promise<RunningNext> {
  // Next reads NODE_ENV while it is imported.
  Object.assign(process.env, { NODE_ENV: development ? 'development' : 'production' })
  const { default: next } = await import('next')
  // Next listens for hot reload on the given server; its own upgrade handler does nothing in version 16.
  const upgrades = createServer()
  const app = next({ dev: development, dir, httpServer: upgrades })
  await app.prepare()
  const handle = app.getRequestHandler()
  return {
    handle: (request, response) => handle(request, response),
    upgrade: (request, socket, head) => void upgrades.emit('upgrade', request, socket, head),
    async requestNext({ view, ...request }) {
      // The view wraps only Next's handler: `inject` calls it later, so a view around `inject` could be lost.
      const { statusCode, headers, rawPayload } = await inject((request, response) => {
        const answer = () => handle(request, response)
        return view ? withPageView(view, answer) : answer()
      }, request)
      return { status: statusCode, headers, body: rawPayload }
    },
  }
}
