import { z } from 'zod'
import { getAsBrowser } from '../harness/load.ts'

/** An answer of the board, stored to send it again unchanged */
export type PageSample = { headers: [name: string, value: string][]; body: Buffer }

const schema = z.object({
  headers: z.array(z.tuple([z.string(), z.string()])),
  body: z.base64().transform(text => Buffer.from(text, 'base64')),
})

export const parseSample = (text: string): PageSample => schema.parse(JSON.parse(text))

export const serialiseSample = ({ headers, body }: PageSample): string =>
  JSON.stringify({ headers, body: body.toString('base64') })

/** headers that Node or the sender of the sample sets for every answer */
const perAnswerHeaders = ['date', 'connection', 'keep-alive', 'transfer-encoding', 'content-length', 'x-hit']

/** Requests the page from a replica, past NGINX: one hit. */
export async function takeSample(address: string): Promise<PageSample> {
  const { response, body } = await getAsBrowser(`http://${address}/`)
  const headers: PageSample['headers'] = []
  for (let index = 0; index < response.rawHeaders.length; index += 2) {
    const [name = '', value = ''] = response.rawHeaders.slice(index, index + 2)
    if (!perAnswerHeaders.includes(name.toLowerCase())) headers.push([name, value])
  }
  return { headers, body }
}
