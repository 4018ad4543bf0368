import { CompressedForms } from './compressed-forms.ts'
import type { FilledPage } from './compressed-page.ts'

/** Characters that mean nothing in HTML, in an attribute or in a JavaScript string: all that may be filled in. */
const harmless = /^[A-Za-z0-9_ .:,+/=-]*$/

/** Next's flight data comes in pieces, one script each; a token may lie across two of them. */
const seam = /"\]\)<\/script><script(?: nonce="[^"]*")?>self\.__next_f\.push\(\[1,"/g

/** A rendered page, cut where the hit's own values go. */
export class Template<Slot extends string> {
  /** in the order in which values are told by their index */
  readonly #slots: readonly Slot[]
  /** one more than there are places */
  readonly #pieces: string[]
  readonly #places: number[]
  readonly #compressed: CompressedForms

  /** @throws when a token is not in the page */
  constructor(html: string, tokens: Record<Slot, string>) {
    const slots: Slot[] = []
    for (const slot in tokens) slots.push(slot)
    const texts = slots.map(slot => tokens[slot])
    const cut = html.replace(seam, '').split(new RegExp(`(${texts.map(RegExp.escape).join('|')})`))
    this.#slots = slots
    this.#pieces = cut.filter((_, index) => index % 2 === 0)
    this.#places = cut.filter((_, index) => index % 2 === 1).map(token => texts.indexOf(token))
    const missing = slots.filter((_, index) => !this.#places.includes(index))
    if (missing.length > 0) throw new Error(`the rendered page lacks ${missing.join(', ')}`)
    this.#compressed = new CompressedForms({ pieces: this.#pieces, places: this.#places })
  }

  /** The page with these values, in the HTML and in the flight data alike. @throws on a value that is not harmless */
  fill(values: Record<Slot, string>): string {
    const texts = this.#harmlessTexts(values)
    let page = this.#pieces[0] ?? ''
    for (const [index, place] of this.#places.entries())
      page += texts[place] + (this.#pieces[index + 1] ?? '')
    return page
  }

  /** The same as gzip; null: for values of such lengths it is not to be had. @throws on a value that is not harmless */
  fillCompressed(values: Record<Slot, string>): FilledPage | null {
    return this.#compressed.fill(this.#harmlessTexts(values))
  }

  #harmlessTexts(values: Record<Slot, string>): string[] {
    const texts = this.#slots.map(slot => values[slot])
    if (!harmless.test(texts.join(''))) {
      const refused = this.#slots.filter(slot => !harmless.test(values[slot]))
      throw new TypeError(`not to be filled into a page: ${refused.map(slot => `${slot} ${values[slot]}`)}`)
    }
    return texts
  }
}
