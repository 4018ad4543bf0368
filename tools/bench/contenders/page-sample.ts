import { z } from 'zod'
import { getAsBrowser } from '../harness/load.ts'

/** An answer of the board's, to be sent again as it is. */
export type PageSample = { headers: [name: string, value: string][]; body: Buffer }

const schema = z.object({
  headers: z.array(z.tuple([z.string(), z.string()])),
  body: z.base64().transform(text => Buffer.from(text, 'base64')),
})

export const parseSample = (text: string): PageSample => schema.parse(JSON.parse(text))

export const serialiseSample = ({ headers, body }: PageSample): string =>
  JSON.stringify({ headers, body: body.toString('base64') })

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
