import { localTimes, type Times } from '../../shared/times.ts'
import { useHydrated } from './page-lifecycle.ts'
import ui from './ui.module.css'

type ServerNameProps = {
  name: string
  /** index in the list of colours; undefined = a server no longer shown */
  hue: number | undefined
  /** shows a long name on several lines; default: a long name ends in "…" */
  whole?: boolean
}

/** Characters of a name that no place cuts off. */
const shortName = 8

/** A server's name after a swatch in its colour: globals.css draws it for a `span` with a hue. */
export function ServerName({ name, hue, whole = false }: ServerNameProps) {
  return (
    <span
      {...hueAttributes(hue)}
      className={whole ? ui.wholeName : undefined}
      title={whole || name.length <= shortName ? undefined : name}
    >
      {name}
    </span>
  )
}

/** From the eighth server on, the colours repeat with a second mark: as a ring or with gaps. */
const colourCount = 7

/** Attributes by which globals.css sets --hue to a server's colour. Undefined = a server no longer shown. */
export function hueAttributes(hue: number | undefined): { 'data-hue': number | ''; 'data-again'?: '' } {
  if (hue === undefined) return { 'data-hue': '' }
  const again = Math.floor(hue / colourCount) % 2 === 1
  return { 'data-hue': hue % colourCount, ...(again && { 'data-again': '' }) }
}

export type Shape = 'full' | 'dotted' | 'half' | 'target' | 'cross' | 'empty'

/** A state's shape. A word is always beside it, so screen readers skip it. */
export function ShapeIcon({ shape }: { shape: Shape }) {
  return (
    <svg className={ui.shape} viewBox="0 0 12 12" aria-hidden="true">
      {shape === 'full' && <circle cx="6" cy="6" r="5" fill="currentColor" />}
      {shape === 'half' && <path d="M6 1a5 5 0 0 0 0 10z" fill="currentColor" />}
      {shape === 'cross' && <path d="m2 2 8 8m0-8-8 8" className={ui.shapeLine} />}
      {shape === 'dotted' && (
        <circle cx="6" cy="6" r="4.25" className={ui.shapeLine} strokeDasharray="1.6 1.74" />
      )}
      {shape === 'target' && <circle cx="6" cy="6" r="1.75" fill="currentColor" />}
      {(shape === 'half' || shape === 'target' || shape === 'empty') && (
        <circle cx="6" cy="6" r="4.25" className={ui.shapeLine} />
      )}
    </svg>
  )
}

/** Marks what belongs to the reader. */
export function YouBadge({ children }: { children: string }) {
  return <span className={ui.you}>{children}</span>
}

type ShareBarProps = {
  thousandths: number
  hue: number | undefined
  /** the share of each server, in thousandths, if all had the same; left out for what is not one server */
  equal?: number
  /** an earlier share, in thousandths, as an outline */
  earlier?: number | undefined
}

/**
 * A share as a bar in the server's colour, with a tick at the equal share. The figure is beside it. It is an SVG, as the page's
 * policy forbids inline styles.
 */
export function ShareBar({ thousandths, hue, equal, earlier }: ShareBarProps) {
  const tick = equal === undefined ? undefined : `${Math.round(equal) / 10}%`
  return (
    <svg className={ui.shareBar} aria-hidden="true">
      <rect />
      <rect {...hueAttributes(hue)} width={`${thousandths / 10}%`} />
      {earlier !== undefined && <rect className={ui.shareEarlier} width={`${earlier / 10}%`} />}
      {tick && <line x1={tick} x2={tick} y2="12" />}
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

/**
 * A time: UTC in the HTML, which a script makes local before the first paint (script-sources.tsx); after hydration local, with
 * UTC in the title.
 */
export function Moment({ iso, plain = iso, to = 'moment' }: MomentProps) {
  if (!useHydrated()) {
    return (
      <time dateTime={iso} data-to={to} suppressHydrationWarning>
        {plain}
      </time>
    )
  }
  readerTimes ??= localTimes()
  return (
    <time dateTime={iso} title={iso}>
      {readerTimes[to](iso)}
    </time>
  )
}
