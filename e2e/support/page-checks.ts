import type { Page } from '@playwright/test'
import { z } from 'zod'

/** What the console complains about, as it comes: in order, it stays empty. */
export function watchConsole(page: Page): string[] {
  const complaints: string[] = []
  page.on('console', message => {
    if (['error', 'warning'].includes(message.type())) complaints.push(message.text())
  })
  page.on('pageerror', error => complaints.push(String(error)))
  page.on('requestfailed', request => {
    // A stream ends with its page.
    if (!request.url().endsWith('/api/live'))
      complaints.push(`${request.url()} ${request.failure()?.errorText}`)
  })
  return complaints
}

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

/** Texts that lie over one another, so that neither can be read; what floats over the page on purpose is left out. */
export function overlappingTexts(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    type Box = { node: Node; text: string; left: number; top: number; right: number; bottom: number }

    /** As much of it as its scrolling and cutting ancestors let through; null where it floats. */
    function visiblePart({ node, text, ...box }: Box, element: Element): Box | null {
      for (let around: Element | null = element; around; around = around.parentElement) {
        const { position, overflowX, overflowY } = getComputedStyle(around)
        if (position === 'fixed') return null
        if (overflowX === 'visible' && overflowY === 'visible') continue
        const edge = around.getBoundingClientRect()
        box.left = Math.max(box.left, edge.left)
        box.top = Math.max(box.top, edge.top)
        box.right = Math.min(box.right, edge.right)
        box.bottom = Math.min(box.bottom, edge.bottom)
      }
      return { node, text, ...box }
    }

    const boxes: Box[] = []
    const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
    for (let node = texts.nextNode(); node; node = texts.nextNode()) {
      const text = node.textContent?.trim() ?? ''
      const element = node.parentElement
      if (!text || !element?.checkVisibility({ visibilityProperty: true, opacityProperty: true })) continue
      const range = document.createRange()
      range.selectNodeContents(node)
      for (const { left, top, right, bottom } of range.getClientRects()) {
        const box = visiblePart({ node, text, left, top, right, bottom }, element)
        if (box && box.right - box.left > 3 && box.bottom - box.top > 3) boxes.push(box)
      }
    }

    // Lines of text stand closer than their boxes: a little over one another is no fault.
    return boxes.flatMap((a, place) =>
      boxes
        .slice(place + 1)
        // A text that is cut has a box for what is seen and one for all.
        .filter(b => a.node !== b.node)
        .filter(b => Math.min(a.right, b.right) - Math.max(a.left, b.left) > 2)
        .filter(b => Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 6)
        .map(b => `“${a.text}” and “${b.text}” lie over one another`),
    )
  })
}
