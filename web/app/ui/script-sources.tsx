'use client'

import { localTimes } from '../../shared/times.ts'
import { localFigures } from './formats.ts'
import { themeKey } from './theme.ts'

// What only the HTML has: the scripts that run while the page is still loading (page-scripts.tsx), and the facts in its head. They
// would be in the page twice if a server component or Next's metadata had them, because the HTML ends with the data of those for React.

/**
 * Runs in the browser, from its source: it uses nothing outside itself. While the HTML arrives, it formats times and figures in
 * the reader's locale and zone, before the browser paints them: an observer runs after each piece that is parsed. The attributes
 * are those of Moment (badges.tsx) and of `mark` (formats.ts); they are gone once React has taken over.
 */
function formatBeforePaint(timesOf: typeof localTimes, figuresOf: typeof localFigures): void {
  const times = timesOf()
  const figures = figuresOf()
  const done = new WeakSet<Element>()
  const marked = '[data-to], [data-figure], [data-day] tbody :is(th, td:last-child)'

  function format(element: HTMLElement): void {
    const { textContent: text, dataset, tagName } = element
    // The log's cells have no attributes: the first is a figure, the last a time of the day that is in `data-day`.
    const day = element.closest<HTMLElement>('[data-day]')?.dataset.day
    const to = dataset.to ?? (tagName === 'TD' && 'moment')
    const figure = dataset.figure ?? (tagName === 'TH' && 'whole')
    if (to === 'moment' || to === 'second') {
      const iso = element.getAttribute('datetime') ?? `${day}T${text.slice(0, 12)}Z`
      element.textContent = times[to](iso)
    }
    if (figure === 'whole') element.textContent = text.replace(/\d+/g, digits => figures.whole(digits))
    if (figure === 'rate')
      element.textContent = text.replace(/\d+(\.\d)?/, rate => figures.rate(Number(rate)))
    if (figure === 'share')
      element.textContent = text.replace(/([\d.]+)%/, (_, share) => figures.share(Number(share) * 10))
    if (figure === 'percent')
      element.textContent = text.replace(/(\d+)%/, (_, percent) => figures.percent(Number(percent) / 100))
  }

  /** Whether the parser has left it: its text is whole. */
  function isComplete(element: Element): boolean {
    if (document.readyState !== 'loading' || /(?:UTC|Z)$/.test(element.textContent ?? '')) return true
    for (let node: Node | null = element; node; node = node.parentNode) if (node.nextSibling) return true
    return false
  }

  function formatNew(): void {
    for (const element of document.querySelectorAll<HTMLElement>(marked)) {
      if (done.has(element) || !isComplete(element)) continue
      done.add(element)
      if (!element.firstElementChild) format(element)
    }
  }

  const observer = new MutationObserver(formatNew)
  observer.observe(document, { childList: true, characterData: true, subtree: true })
  document.addEventListener('DOMContentLoaded', () => {
    observer.disconnect()
    formatNew()
  })
}

/** Sets a chosen theme before the first paint. */
const theme = () =>
  `try{const t=localStorage.getItem(${JSON.stringify(themeKey)});if(t==='light'||t==='dark')document.documentElement.dataset.theme=t}catch{}`

const formats = () => `try{(${formatBeforePaint})(${localTimes},${localFigures})}catch{}`

/** Adds an element, which React ignores, only if a host serves the page under another path. */
const path = () =>
  `if(/^https?:$/.test(location.protocol)&&location.pathname!=='/'){const p=document.createElement('p');p.setAttribute('role','alert');p.textContent='This board works only at the path / of a host, and here its path is '+location.pathname+'. The proxy in front of it needs a host name or a port for it alone.';document.body.prepend(p)}`

const description =
  'A load balancer at work, live: every page view is counted once, logged, and shown with the server that answered it.'

/** For what shows a link to the page, and for the browser's frame. */
const head = () => (
  <>
    <meta name="description" content={description} />
    {/* A crawler's visit would be a hit, and the log shows visitors. */}
    <meta name="robots" content="noindex, nofollow" />
    <meta property="og:title" content="Balance Board" />
    <meta property="og:type" content="website" />
    <meta name="twitter:card" content="summary_large_image" />
    <meta name="color-scheme" content="light dark" />
    <meta name="theme-color" content="#f5f6f8" media="(prefers-color-scheme: light)" />
    <meta name="theme-color" content="#0e1116" media="(prefers-color-scheme: dark)" />
  </>
)

export type ScriptName = 'start' | 'path'

const start = () => theme() + formats()

/** The build removes these from what the browser loads. */
const sources: Record<ScriptName, () => string> | null =
  typeof window === 'undefined' ? { start, path } : null
const htmlHead = typeof window === 'undefined' ? head : null

/** React leaves the head as it is in the HTML. */
export function HeadInHtml() {
  return htmlHead?.()
}

/** React accepts the script as it is in the HTML. */
export function ScriptInHtml({ name, nonce }: { name: ScriptName; nonce: string | undefined }) {
  return (
    <script nonce={nonce} suppressHydrationWarning>
      {sources?.[name]() ?? ''}
    </script>
  )
}
