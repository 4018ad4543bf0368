import { visitMany } from '../../../tools/lib/load.ts'
import type { Answer } from '../../../tools/lib/visit-once.ts'
import { baseUrl } from './board.ts'

/** Page views a second: half of them by strangers, half by regulars, who keep their cookie. */
const perSecond = 200
const strangersAtOnce = 12
const regularsAtOnce = 12
/** ms: the load ends by itself where no test ends it */
const longest = 240_000

export type Visits = {
  all: Answer[]
  strangers: Answer[]
  /** each one's own history */
  regulars: Answer[][]
}

/** Visits the board while `work` is done, and records every answer. */
export async function visitWhile(work: () => Promise<void>): Promise<Visits> {
  const done = new AbortController()
  const bounds = { forMs: longest, until: done.signal }
  const url = `${baseUrl}/`
  const byStrangers = visitMany(url, { ...bounds, connections: strangersAtOnce, perSecond: perSecond / 2 })
  const regular = { ...bounds, connections: 1, perSecond: perSecond / 2 / regularsAtOnce, keepCookies: true }
  const byRegulars = Promise.all(Array.from({ length: regularsAtOnce }, () => visitMany(url, regular)))
  try {
    await work()
  } finally {
    done.abort()
    await Promise.all([byStrangers, byRegulars])
  }
  const [strangers, regulars] = [await byStrangers, await byRegulars]
  return { all: [...strangers, ...regulars.flat()], strangers, regulars }
}
