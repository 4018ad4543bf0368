import { get } from 'node:http'

type Wanted = {
  /** ms that the answer may take; default: 1,000 */
  timeoutMs?: number
  /** which status counts as an answer; default: 200 alone */
  accepts?: (status: number) => boolean
}

/** Whether `url` answers in time. On a connection of its own: none is left for a server to wait for. */
export function answers(url: string, wanted: Wanted = {}): Promise<boolean> {
  const { timeoutMs = 1000, accepts = status => status === 200 } = wanted
  return new Promise(resolve => {
    const request = get(url, { agent: false, timeout: timeoutMs }, response => {
      response.resume()
      resolve(accepts(response.statusCode ?? 0))
    })
    request.on('timeout', () => request.destroy())
    request.on('error', () => resolve(false))
  })
}
