import { localTimes, type Times } from '../../shared/times.ts'
import styles from './badges.module.css'
import { useHydrated } from './page-lifecycle.ts'

type ServerNameProps = {
  name: string
  /** index in the list of colours; undefined = a server no longer shown */
  hue: number | undefined
  /** shows a long name on several lines; default: a long name ends in "…" */
  whole?: boolean
}

export function ServerName({ name, hue, whole = false }: ServerNameProps) {
  return (
    <span className={styles.serverName} title={whole ? undefined : name}>
      <span className={`${styles.hue} ${styles.swatch}`} {...hueAttributes(hue)} aria-hidden="true" />
      <span className={whole ? styles.wholeName : styles.shortName}>{name}</span>
    </span>
  )
}

/** From the eighth server on, the colours repeat with a second mark: as a ring or with gaps. */
const colourCount = 7

/** A server's colour as attributes, for elements with the class `hue`. Undefined = a server no longer shown. */
export function hueAttributes(hue: number | undefined): { 'data-hue'?: number; 'data-again'?: '' } {
  if (hue === undefined) return {}
  const again = Math.floor(hue / colourCount) % 2 === 1
  return { 'data-hue': hue % colourCount, ...(again && { 'data-again': '' }) }
}

export type Shape = 'full' | 'dotted' | 'half' | 'cross' | 'empty'

/** A state's shape. A word is always beside it, so screen readers skip it. */
export function ShapeIcon({ shape }: { shape: Shape }) {
  return (
    <svg className={styles.shape} viewBox="0 0 12 12" aria-hidden="true">
      {shape === 'full' && <circle cx="6" cy="6" r="5" fill="currentColor" />}
      {shape === 'half' && <path d="M6 1a5 5 0 0 0 0 10z" fill="currentColor" />}
      {shape === 'cross' && <path d="m2 2 8 8m0-8-8 8" className={styles.shapeLine} />}
      {shape === 'dotted' && (
        <circle cx="6" cy="6" r="4.25" className={styles.shapeLine} strokeDasharray="1.6 1.74" />
      )}
      {(shape === 'half' || shape === 'empty') && (
        <circle cx="6" cy="6" r="4.25" className={styles.shapeLine} />
      )}
    </svg>
  )
}

/** Marks what belongs to the reader. */
export function YouBadge({ children }: { children: string }) {
  return <span className={styles.you}>{children}</span>
}

/** A share as a bar, with the figure beside it. It is an SVG, as the page's policy forbids inline styles. */
export function ShareBar({ thousandths }: { thousandths: number }) {
  return (
    <svg className={styles.shareBar} aria-hidden="true">
      <rect className={styles.shareWhole} width="100%" height="100%" rx="3" />
      <rect className={styles.sharePart} width={`${thousandths / 10}%`} height="100%" rx="3" />
    </svg>
  )
}

type MomentProps = {
  iso: string
  /** text for the HTML, in UTC */
  plain?: string
  to?: keyof Times
}

let readerTimes: Times | undefined

/** A time: UTC in the HTML; after hydration local, with UTC in the title. */
export function Moment({ iso, plain = iso, to = 'moment' }: MomentProps) {
  if (!useHydrated()) return <time dateTime={iso}>{plain}</time>
  readerTimes ??= localTimes()
  return (
    <time dateTime={iso} title={iso}>
      {readerTimes[to](iso)}
    </time>
  )
}
