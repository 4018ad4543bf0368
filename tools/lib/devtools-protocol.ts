import { once } from 'node:events'
import { z } from 'zod'

/** A connection to Chromium's DevTools. Source: https://chromedevtools.github.io/devtools-protocol/ */
export type Protocol = {
  /** @returns the command's result, undefined where it failed */
  send(method: string, params?: object, sessionId?: string): Promise<unknown>
  /** the parameters of every event of that name from now on, as they come */
  events(name: string): unknown[]
}

const message = z.looseObject({
  id: z.number().optional(),
  method: z.string().optional(),
  params: z.unknown().optional(),
  result: z.unknown().optional(),
})

/** It ends with the browser. */
export async function openProtocol(address: string): Promise<Protocol> {
  const socket = new WebSocket(address)
  const answers = new Map<number, (result: unknown) => void>()
  const events = new Map<string, unknown[]>()
  socket.addEventListener('message', ({ data }) => {
    const { id, method, params, result } = message.parse(JSON.parse(String(data)))
    if (id !== undefined) answers.get(id)?.(result)
    if (method !== undefined) events.get(method)?.push(params)
  })
  await once(socket, 'open')
  let last = 0
  return {
    send(method, params = {}, sessionId) {
      const { promise, resolve } = Promise.withResolvers<unknown>()
      answers.set(++last, resolve)
      socket.send(JSON.stringify({ id: last, method, params, sessionId }))
      return promise
    },
    events(name) {
      const heard: unknown[] = []
      events.set(name, heard)
      return heard
    },
  }
}
