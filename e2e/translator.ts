import type { Page } from '@playwright/test'

/**
 * Translates the page as browsers do: each text becomes two nested `font` elements around a new text, and texts that come
 * later too. React then holds text nodes that are no longer in the page.
 * @returns what React did to such text nodes so far: empty where each text that changes is alone in its element
 */
export async function translate(page: Page): Promise<() => Promise<string[]>> {
  await page.evaluate(() => {
    const found: string[] = []
    Object.assign(window, { touchedTexts: found })

    const isReacts = (node: unknown): node is Text =>
      node instanceof Text && Object.keys(node).some(key => key.startsWith('__reactFiber$'))
    const note = (what: string, node: unknown) => {
      if (isReacts(node)) found.push(`${what}: ${node.data}`)
    }
    const prototype = Node.prototype
    const value = Object.getOwnPropertyDescriptor(prototype, 'nodeValue')
    Object.defineProperty(prototype, 'nodeValue', {
      ...value,
      set(this: Node, text: string) {
        if (this.nodeValue !== text) note('changed', this)
        value?.set?.call(this, text)
      },
    })
    const { insertBefore, removeChild } = prototype
    prototype.insertBefore = function <T extends Node>(this: Node, child: T, before: Node | null) {
      if (this.isConnected) note('inserted before', before)
      return insertBefore.call(this, child, before) as T
    }
    prototype.removeChild = function <T extends Node>(this: Node, child: T) {
      if (this.isConnected) note('removed', child)
      return removeChild.call(this, child) as T
    }

    function translateIn(node: Node): void {
      if (node instanceof Element && node.tagName !== 'FONT') {
        for (const child of [...node.childNodes]) translateIn(child)
      } else if (node instanceof Text && node.data.trim() !== '') {
        if (!node.parentElement || node.parentElement.closest('font, script, style, textarea')) return
        const [outer, inner] = [document.createElement('font'), document.createElement('font')]
        inner.append(node.data)
        outer.append(inner)
        node.replaceWith(outer)
      }
    }
    translateIn(document.body)
    new MutationObserver(changes => {
      for (const { type, target, addedNodes } of changes) {
        if (type === 'characterData') translateIn(target)
        else for (const node of addedNodes) translateIn(node)
      }
    }).observe(document.body, { childList: true, characterData: true, subtree: true })
  })
  return () =>
    page.evaluate(() => {
      const touched: unknown = Reflect.get(window, 'touchedTexts')
      return Array.isArray(touched) ? touched.map(String) : ['the page was loaded again']
    })
}
