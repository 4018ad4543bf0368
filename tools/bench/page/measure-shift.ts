import { setTimeout as pause } from 'node:timers/promises'
import { z } from 'zod'
import { openBoard } from './open-board.ts'

/** So high that all bands stand in it: what moves out of sight does not count as a shift. */
const height = 6000
const watchedMs = 8000

const shifts = z.array(z.object({ value: z.number(), of: z.array(z.string()) }))

export type ShiftFigures = {
  width: number
  /** the layout shift score, from the first byte on; 0 = nothing moved by itself */
  score: number
  /** what moved, as elements with their classes */
  of: string[]
}

/** How much of the page moves by itself while it comes alive and visits come in, in a window that wide. */
export async function measureShift(url: string, width: number, signal: AbortSignal): Promise<ShiftFigures> {
  await using page = await openBoard(url, { width, height }, signal)
  await page.evaluate(`
    window.shifts = []
    new PerformanceObserver(list => {
      for (const { value, hadRecentInput, sources } of list.getEntries()) {
        const of = sources.map(({ node }) => node ? node.nodeName + ' ' + (node.className ?? '') : 'gone')
        if (!hadRecentInput) window.shifts.push({ value, of })
      }
    }).observe({ type: 'layout-shift', buffered: true })`)
  await pause(watchedMs, undefined, { signal })
  const seen = shifts.parse(await page.evaluate('window.shifts'))
  return {
    width,
    score: seen.reduce((sum, { value }) => sum + value, 0),
    of: [...new Set(seen.flatMap(({ of }) => of))],
  }
}
