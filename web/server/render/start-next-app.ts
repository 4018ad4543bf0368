import { pageRenderer } from './ask.ts'
import type { NextApp } from './next-app.ts'
import { startNextThread } from './start-next-thread.ts'

/** Starts Next's app in `dir`; in development in this thread, where hot reload finds the browser's connections. */
export async function startNextApp(dir: string, development: boolean): Promise<NextApp> {
  if (!development) return startNextThread(dir)
  // A built replica never needs it in this thread.
  const { startNext } = await import('./run-next.ts')
  const { handle, upgrade, ask } = await startNext(dir, development)
  return { has: () => true, handle, upgrade, renderPage: pageRenderer(ask), notFoundPage: null }
}
