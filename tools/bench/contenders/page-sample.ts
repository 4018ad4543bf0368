import { z } from 'zod'

/** An answer of the board's, to be sent again as it is. */
export type PageSample = { headers: [name: string, value: string][]; body: Buffer }

const schema = z.object({
  headers: z.array(z.tuple([z.string(), z.string()])),
  body: z.base64().transform(text => Buffer.from(text, 'base64')),
})

export const parseSample = (text: string): PageSample => schema.parse(JSON.parse(text))

export const serialiseSample = ({ headers, body }: PageSample): string =>
  JSON.stringify({ headers, body: body.toString('base64') })
