import { getAsBrowser } from '../harness/get-as-browser.ts'
import type { PageSample } from './page-sample.ts'

/** Made anew for every answer, by Node or by whoever sends the sample. */
const ownOfEach = ['date', 'connection', 'keep-alive', 'transfer-encoding', 'content-length', 'x-hit']

/** Asks a replica for its page, past NGINX: one hit. */
export async function takeSample(address: string): Promise<PageSample> {
  const { response, body } = await getAsBrowser(`http://${address}/`)
  const headers: PageSample['headers'] = []
  for (let at = 0; at < response.rawHeaders.length; at += 2) {
    const [name = '', value = ''] = response.rawHeaders.slice(at, at + 2)
    if (!ownOfEach.includes(name.toLowerCase())) headers.push([name, value])
  }
  return { headers, body }
}
