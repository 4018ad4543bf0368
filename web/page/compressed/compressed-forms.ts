import { CompressedPage, type FilledPage } from './compressed-page.ts'
import type { CutText } from './layout.ts'

/** Each takes a millisecond or two to make, and holds a compressed page. */
const mostForms = 32

/** One page, compressed for each set of lengths that its values come in: digits of a number, letters of an address. */
export class CompressedForms<Slot extends string> {
  readonly #text: CutText<Slot>
  readonly #forms = new Map<string, CompressedPage<Slot> | null>()

  constructor(text: CutText<Slot>) {
    this.#text = text
  }

  /** As one gzip member; null: not to be had this way. `values` are ASCII. */
  fill(values: Record<Slot, string>): FilledPage | null {
    return this.#formFor(values)?.fill(values) ?? null
  }

  #formFor(values: Record<Slot, string>): CompressedPage<Slot> | null {
    let key = ''
    for (const slot in values) key += `${values[slot].length} `
    const known = this.#forms.get(key)
    if (known !== undefined) return known
    if (this.#forms.size >= mostForms) return null
    const form = CompressedPage.of(this.#text, slot => values[slot].length)
    this.#forms.set(key, form)
    return form
  }
}
