import { z } from 'zod'
import { DrainRefused } from '../refused.ts'

/** To take no new visitors, or to take them again. */
export type DrainRequest = { change: 'drain' | 'undrain'; name: string }

const request = z
  .tuple([z.enum(['drain', 'undrain']), z.string().min(1)])
  .transform(([change, name]): DrainRequest => ({ change, name }))

/** From the words of a command: `drain web-2`. @throws DrainRefused */
export function parseDrainRequest(words: string[]): DrainRequest {
  const parsed = request.safeParse(words)
  if (parsed.success) return parsed.data
  throw new DrainRefused(
    'say which server, and one only: npm run drain -- web-2, or npm run undrain -- web-2',
  )
}
