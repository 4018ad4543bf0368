import type { Page } from '@playwright/test'
import { z } from 'zod'

const recorded = z.array(z.object({ value: z.number(), what: z.string() }))

/** Less than that, all together, no eye sees: a figure's own box grows with its digits. */
const canBeSeen = 0.0005

/**
 * Records whatever moves on a page without a person having asked for it, from its first paint.
 * Source: https://wicg.github.io/layout-instability/
 * @returns what tells what moved; nothing where that cannot be seen
 */
export async function watchShifts(page: Page): Promise<() => Promise<string[]>> {
  await page.addInitScript(() => {
    const shifts: { value: number; what: string }[] = []
    Object.assign(globalThis, { layoutShifts: shifts })
    const nameOf = (node: unknown) =>
      node instanceof Element
        ? `${node.tagName.toLowerCase()}.${node.getAttribute('class') ?? ''}`
        : String(node instanceof Node ? node.textContent : 'something gone')
    const textOf = ({ x, y, width, height }: DOMRect) =>
      [x, y, width, height].map(length => Math.round(length)).join(' ')
    new PerformanceObserver(list => {
      for (const entry of list.getEntries()) {
        if (!('value' in entry && 'sources' in entry && Array.isArray(entry.sources))) continue
        if ('hadRecentInput' in entry && entry.hadRecentInput) continue
        const moved = entry.sources.map(
          ({ node, previousRect, currentRect }) =>
            `${nameOf(node)} from ${textOf(previousRect)} to ${textOf(currentRect)}`,
        )
        shifts.push({ value: Number(entry.value), what: moved.join('; ') })
      }
    }).observe({ type: 'layout-shift', buffered: true })
  })
  return async () => {
    // Undefined where no script runs: nothing moves there.
    const shifts = recorded.catch([]).parse(await page.evaluate('globalThis.layoutShifts'))
    const sum = shifts.reduce((all, { value }) => all + value, 0)
    return sum < canBeSeen ? [] : shifts.map(({ value, what }) => `${value.toFixed(4)}: ${what}`)
  }
}
