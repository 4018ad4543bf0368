import { once } from 'node:events'
import { type Agent, get, type IncomingMessage, type OutgoingHttpHeaders } from 'node:http'
import { buffer } from 'node:stream/consumers'
import { browserHeaders } from './browser-headers.ts'

export type BrowserAnswer = { response: IncomingMessage; body: Buffer }

type Connection = { agent?: Agent | false; headers?: OutgoingHttpHeaders }

/**
 * Asks once, as a browser does, by default on a connection of its own; the body is as it was on the wire.
 * @throws unless the status is 200
 */
export async function getAsBrowser(
  url: string | URL,
  { agent = false, headers = {} }: Connection = {},
): Promise<BrowserAnswer> {
  const request = get(url, { agent, headers: { ...browserHeaders, ...headers }, timeout: 10_000 })
  request.on('timeout', () => request.destroy(new Error(`${url} did not answer within 10 s`)))
  const [response]: IncomingMessage[] = await once(request, 'response')
  if (!response) throw new Error(`${url} did not answer`)
  const body = await buffer(response)
  if (response.statusCode !== 200) throw new Error(`${url} answered ${response.statusCode}`)
  return { response, body }
}
