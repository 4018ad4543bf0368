import { CompressedPage, type FilledPage } from './compressed-page.ts'
import type { CutText } from './layout.ts'

/** Each takes a millisecond or two to make, and holds a compressed page. */
const mostForms = 32

/** `page`: null = not to be had */
type Form = { lengths: readonly number[]; page: CompressedPage | null }

/** One page, compressed for each set of lengths that its values come in: digits of a number, letters of an address. */
export class CompressedForms {
  readonly #text: CutText
  readonly #forms: Form[] = []

  constructor(text: CutText) {
    this.#text = text
  }

  /** As one gzip member; null: not to be had this way. `values` are ASCII. */
  fill(values: readonly string[]): FilledPage | null {
    const form = this.#forms.find(({ lengths }) => haveLengths(values, lengths)) ?? this.#make(values)
    return form?.page?.fill(values) ?? null
  }

  #make(values: readonly string[]): Form | null {
    if (this.#forms.length >= mostForms) return null
    const lengths = values.map(value => value.length)
    const form = { lengths, page: CompressedPage.of(this.#text, lengths) }
    this.#forms.push(form)
    return form
  }
}

function haveLengths(values: readonly string[], lengths: readonly number[]): boolean {
  return values.every((value, index) => value.length === lengths[index])
}
