import { CompressedForms } from './compressed/compressed-forms.ts'
import type { FilledPage } from './compressed/compressed-page.ts'

/** Characters that mean nothing in HTML, in an attribute or in a JavaScript string: all that may be filled in. */
const harmless = /^[A-Za-z0-9_ .:,+/=-]*$/

/** Next's flight data comes in pieces, one script each; a token may lie across two of them. */
const seam = /"\]\)<\/script><script(?: nonce="[^"]*")?>self\.__next_f\.push\(\[1,"/g

/** A rendered page, cut where the hit's own values go. */
export class Template<Slot extends string> {
  /** one more than there are places */
  readonly #pieces: string[]
  readonly #places: Slot[]
  readonly #compressed: CompressedForms<Slot>

  /** @throws when a token is not in the page */
  constructor(html: string, tokens: Record<Slot, string>) {
    const slots = new Map<string, Slot>()
    for (const slot in tokens) slots.set(tokens[slot], slot)
    const cut = html
      .replace(seam, '')
      .split(new RegExp(`(${[...slots.keys()].map(RegExp.escape).join('|')})`))
    this.#pieces = cut.filter((_, index) => index % 2 === 0)
    this.#places = cut.filter((_, index) => index % 2 === 1).flatMap(token => slots.get(token) ?? [])
    const missing = [...slots.values()].filter(slot => !this.#places.includes(slot))
    if (missing.length > 0) throw new Error(`the rendered page lacks ${missing.join(', ')}`)
    this.#compressed = new CompressedForms({ pieces: this.#pieces, places: this.#places })
  }

  /** The page with these values, in the HTML and in the flight data alike. @throws on a value that is not harmless */
  fill(values: Record<Slot, string>): string {
    checkHarmless(values)
    let page = this.#pieces[0] ?? ''
    for (const [index, slot] of this.#places.entries()) page += values[slot] + (this.#pieces[index + 1] ?? '')
    return page
  }

  /** The same as gzip; null: for values of such lengths it is not to be had. @throws on a value that is not harmless */
  fillCompressed(values: Record<Slot, string>): FilledPage | null {
    checkHarmless(values)
    return this.#compressed.fill(values)
  }
}

function checkHarmless<Slot extends string>(values: Record<Slot, string>): void {
  for (const slot in values) {
    if (!harmless.test(values[slot]))
      throw new TypeError(`not to be filled into a page: ${slot} ${values[slot]}`)
  }
}
