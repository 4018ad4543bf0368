import { once } from 'node:events'
import { get, type IncomingMessage } from 'node:http'
import { buffer } from 'node:stream/consumers'
import { browserHeaders } from './browser-headers.ts'

export type BrowserAnswer = { response: IncomingMessage; body: Buffer }

/** Asks once, as a browser does; the body is as it was on the wire. @throws unless the status is 200 */
export async function getAsBrowser(url: string | URL): Promise<BrowserAnswer> {
  const request = get(url, { headers: browserHeaders, agent: false })
  const [response]: IncomingMessage[] = await once(request, 'response')
  if (!response) throw new Error(`${url} did not answer`)
  const body = await buffer(response)
  if (response.statusCode !== 200) throw new Error(`${url} answered ${response.statusCode}`)
  return { response, body }
}
