import { randomBytes, randomFillSync } from 'node:crypto'
import type { PageProblem, PageView, VisitTexts } from '../../shared/page-view.ts'
import { CompressedForms, type FilledPage } from './compressed-page.ts'

/** Only these characters may be filled in: they have no meaning in HTML, in an attribute or in a JavaScript string. */
const harmless = /^[A-Za-z0-9_ .:,+/=-]*$/

/** Next's flight data comes in pieces, one script each. A token may be split over two of them. */
const seam = /"\]\)<\/script><script(?: nonce="[^"]*")?>self\.__next_f\.push\(\[1,"/g

/** A rendered page, cut where the hit's values go. */
export class Template<Slot extends string> {
  /** in the order of the values' indexes */
  readonly #slots: readonly Slot[]
  /** one more than there are places */
  readonly #pieces: string[]
  readonly #places: number[]
  readonly #compressed: CompressedForms

  /** @throws if a token is not in the page */
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

  /** The page with these values, in the HTML and in the flight data. @throws on a value with other characters than allowed */
  fill(values: Record<Slot, string>): string {
    const texts = this.#harmlessTexts(values)
    let page = this.#pieces[0] ?? ''
    for (const [index, place] of this.#places.entries())
      page += texts[place] + (this.#pieces[index + 1] ?? '')
    return page
  }

  /** The same, compressed with gzip; null if there are too many sets of lengths. @throws as `fill` does */
  fillCompressed(values: Record<Slot, string>): FilledPage | null {
    return this.#compressed.fill(this.#harmlessTexts(values))
  }

  #harmlessTexts(values: Record<Slot, string>): string[] {
    const texts = this.#slots.map(slot => values[slot])
    if (!harmless.test(texts.join(''))) {
      const refused = this.#slots.filter(slot => !harmless.test(values[slot]))
      throw new TypeError(`may not be filled into a page: ${refused.map(slot => `${slot} ${values[slot]}`)}`)
    }
    return texts
  }
}

/** Lets Next render `/` with these request headers, as a page that shows this view. @throws if it does not answer 200 */
export type RenderPage = (view: PageView, headers: Record<string, string>) => Promise<string>

/** What all of a replica's renderings have in common. */
export type PageRendering = {
  renderPage: RenderPage
  server: PageView['server']
  stickySeconds: number
  monitoring: PageView['monitoring']
  development: boolean
}

/** Renders the page with tokens in it. @throws if Next cannot, or if a token is missing */
export async function renderTemplate<Slot extends string>(
  { renderPage, server, stickySeconds, monitoring, development }: PageRendering,
  shown: Pick<PageView, 'snapshot' | 'visit' | 'problem'>,
  tokens: Record<Slot | 'nonce', string>,
): Promise<Template<Slot | 'nonce'>> {
  const headers = { 'content-security-policy': contentSecurityPolicy(tokens.nonce, development) }
  const view = { ...shown, server, monitoring, sticky_seconds: stickySeconds }
  return new Template(await renderPage(view, headers), tokens)
}

/** Values that are filled into the page for each hit. */
export type PageSlot = keyof VisitTexts | 'nonce'

/** Values that are filled into the page of a visit that was not counted. */
export type ProblemSlot = Exclude<keyof PageProblem, 'retry_after'> | 'nonce'

/**
 * Tokens in place of a hit's values, random at each boot so that a visitor cannot write one into the page. They look
 * like base64: Next accepts a nonce only in that form.
 */
export function makeTokens(): Record<PageSlot, string> {
  return {
    nonce: token(),
    hit: token(),
    counter: token(),
    client_ip: token(),
    at: token(),
    at_text: token(),
    arrival: token(),
    arrival_text: token(),
    moved_text: token(),
    cookie: token(),
    origin: token(),
  }
}

export function makeProblemTokens(): Record<ProblemSlot, string> {
  return { nonce: token(), code: token(), message: token() }
}

export function makeNonceToken(): Record<'nonce', string> {
  return { nonce: token() }
}

function token(): string {
  return randomBytes(24).toString('base64url').replaceAll(/[-_]/g, '0')
}

const nonceBytes = 16
/** Random bytes for many nonces: each system call takes time. */
const nonceBuffer = Buffer.alloc(nonceBytes * 256)
let nonceBytesUsed = nonceBuffer.length

/** A nonce for one answer. Base64, as the policy's grammar requires. */
export function newNonce(): string {
  if (nonceBytesUsed === nonceBuffer.length) {
    randomFillSync(nonceBuffer)
    nonceBytesUsed = 0
  }
  nonceBytesUsed += nonceBytes
  return nonceBuffer.toString('base64', nonceBytesUsed - nonceBytes, nonceBytesUsed)
}

const sameOriginOnly = [
  "worker-src 'self'",
  "img-src 'self' data:",
  "font-src 'self'",
  "connect-src 'self'",
  "manifest-src 'self'",
  "base-uri 'none'",
  "form-action 'self'",
  "frame-ancestors 'none'",
].join('; ')

/**
 * Allows scripts with this answer's nonce and what they load, and workers, styles and connections of this origin.
 * React needs eval in development only, for its stack traces.
 */
export function contentSecurityPolicy(nonce: string, development: boolean): string {
  const script = `script-src 'nonce-${nonce}' 'strict-dynamic'${development ? " 'unsafe-eval'" : ''}`
  const style = `style-src 'self'${development ? " 'unsafe-inline'" : ''}`
  return `default-src 'none'; ${script}; ${style}; ${sameOriginOnly}`
}
