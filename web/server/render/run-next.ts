import { createServer } from 'node:http'
import inject from 'light-my-request'
import { withPageView } from '../../shared/page-view.ts'
import type { AskNext, NextApp } from './next-app.ts'

export type RunningNext = Pick<NextApp, 'handle' | 'upgrade'> & { ask: AskNext }

/** Starts Next in this thread: its standalone output in `dir`, or in development its sources. */
export async function startNext(dir: string, development: boolean): Promise<RunningNext> {
  // Next reads it while it is imported.
  Object.assign(process.env, { NODE_ENV: development ? 'development' : 'production' })
  const { default: next } = await import('next')
  // Next listens for hot reload on the server it is given; its own upgrade handler does nothing in version 16.
  const upgrades = createServer()
  const app = next({ dev: development, dir, httpServer: upgrades })
  await app.prepare()
  const handle = app.getRequestHandler()
  return {
    handle: (request, response) => handle(request, response),
    upgrade: (request, socket, head) => void upgrades.emit('upgrade', request, socket, head),
    async ask({ view, ...request }) {
      // The view goes around Next's handler alone: `inject` calls it later, where a view around `inject` could be lost.
      const { statusCode, headers, rawPayload } = await inject((request, response) => {
        const answer = () => handle(request, response)
        return view ? withPageView(view, answer) : answer()
      }, request)
      return { status: statusCode, headers, body: rawPayload }
    },
  }
}
