import type { Page } from '@playwright/test'

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
