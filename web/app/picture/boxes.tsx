// The boxes before and after the servers, and the legend.

import type { LogRow } from '../../shared/api.ts'
import type { Hues } from '../live/live-board.ts'
import { hueAttributes, ShapeIcon } from '../ui/badges.tsx'
import { useFormats } from '../ui/formats.ts'
import ui from '../ui/ui.module.css'
import type { MarkSizes } from './dot-canvas.ts'
import { type Flow, movedLastMinute, percentagesOf, recentVisitors, wholeCommits } from './flow.ts'
import { barHeight } from './geometry.ts'
import styles from './picture.module.css'

const visitorKinds = [
  { rule: 'cookie', name: 'Returning', has: 'cookie' },
  { rule: 'none', name: 'New', has: 'no cookie' },
] as const

/** Both kinds of visitors. `rates`: visits a second; null = not known now. */
export function VisitorBoxes({ rates }: { rates: { cookie: number; none: number } | null }) {
  const formats = useFormats()
  return (
    <div className={styles.visitors}>
      {visitorKinds.map(({ rule, name, has }) => (
        <div key={rule} className={styles.visitor} data-part={rule}>
          <p className={styles.name}>{name}</p>
          <p className={styles.note}>
            <span className={styles.rate} {...formats.mark('rate')}>
              {rates ? `${formats.rate(rates[rule])}/s` : '–'}
            </span>
            <span>{has}</span>
          </p>
        </div>
      ))}
    </div>
  )
}

const ruleTexts = { cookie: 'cookie → its server', none: 'no cookie → least busy' } as const

/** NGINX and its two rules, each with the percentage of the visits that it decided. */
export function NginxBox({ flow, current }: { flow: Flow; current: boolean }) {
  const formats = useFormats()
  const visitors = recentVisitors(flow)
  const percentages = current ? percentagesOf(visitors) : null
  const { over } = visitors
  const counted =
    'seconds' in over
      ? `last ${over.seconds} s`
      : over.visits === 1
        ? 'last visit'
        : `last ${over.visits} visits`
  return (
    <div className={styles.nginx} data-part="nginx">
      <p className={styles.nginxHead}>
        <span className={styles.name}>NGINX</span>
        <span key={counted} className={styles.over}>
          {percentages ? counted : ''}
        </span>
      </p>
      {visitorKinds.map(({ rule }) => (
        <p key={rule} className={styles.rule} data-part={`${rule}-rule`}>
          <span className={styles.ruleText}>{ruleTexts[rule]}</span>
          <span className={styles.percent} {...formats.mark('percent')}>
            {percentages ? formats.percent(percentages[rule] / 100) : '–'}
          </span>
        </p>
      ))}
      <p className={styles.moved}>
        <span {...formats.mark('whole')}>{formats.whole(movedLastMinute(flow))}</span>
        <span> moved, last 60 s</span>
      </p>
    </div>
  )
}

/** Bars for commits. */
const commitBars = 24
const commitBarsHeight = 32

type DatabaseProps = { counter: number; log: LogRow[]; hues: Hues; away: boolean }

/** The database, and how many hits each of its last commits held. */
export function DatabaseBox({ counter, log, hues, away }: DatabaseProps) {
  const formats = useFormats()
  const commits = wholeCommits(log, commitBars)
  const sizes = commits.map(({ hits }) => hits)
  const largest = Math.max(4, ...sizes)
  const servers = [...new Set(commits.map(({ srv_id }) => srv_id))]
  const barAt = (place: number, hits: number) =>
    `M${117.5 - place * 5} ${commitBarsHeight - 1}v-${barHeight(hits, largest, commitBarsHeight) - 1}`
  return (
    // biome-ignore lint/a11y/useSemanticElements: a fieldset is for fields
    <div
      className={styles.database}
      data-part="database"
      data-away={away || undefined}
      role="group"
      aria-label="Database"
    >
      <p className={styles.name}>Database</p>
      <p
        className={styles.count}
        {...formats.mark('whole')}
      >{`${formats.whole(counter)} ${counter === 1 ? 'hit' : 'hits'}`}</p>
      {away ? (
        <p className={styles.away}>
          <ShapeIcon shape="cross" />
          <span>not answering</span>
        </p>
      ) : (
        <p className={styles.note}>{commitText(sizes)}</p>
      )}
      <svg className={styles.commits} viewBox={`0 0 120 ${commitBarsHeight}`} aria-hidden="true">
        <path d={`M0 ${commitBarsHeight - 0.5}H120`} />
        {servers.map(server => (
          <path
            key={server}
            {...hueAttributes(hues[server])}
            d={commits
              .map(({ srv_id, hits }, place) => (srv_id === server ? barAt(place, hits) : ''))
              .join('')}
          />
        ))}
      </svg>
    </div>
  )
}

/** "1 commit = 1 to 6 hits": of the last commits. */
function commitText(sizes: number[]): string {
  if (sizes.length === 0) return 'no commit yet'
  const [least, most] = [Math.min(...sizes), Math.max(...sizes)]
  if (most === 1) return '1 commit = 1 hit'
  return least === most ? `1 commit = ${most} hits` : `1 commit = ${least} to ${most} hits`
}

/** What the marks mean, and how many visits and commits one mark stands for. */
export function Legend({ sizes: { visitsPerDot, commitsPerCapsule } }: { sizes: MarkSizes }) {
  const formats = useFormats()
  const dots = visitsPerDot === 1 ? '1 dot = 1 visit' : `1 dot = ${formats.whole(visitsPerDot)} visits`
  const capsules =
    commitsPerCapsule === 1
      ? '1 capsule = 1 commit'
      : `1 of ${formats.whole(commitsPerCapsule)} commits shown`
  return (
    <figcaption className={styles.legend}>
      <span className={ui.visuallyHidden}>
        NGINX sends a returning visitor to the server that its cookie names, and a new one to the least busy
        server. A server counts its hits in the database, several in one commit. The table of servers below
        has the same figures.
      </span>
      <span className={styles.mark}>
        <svg viewBox="0 0 16 16" aria-hidden="true">
          <circle cx="8" cy="8" r="4" />
        </svg>
        returning, in its server’s colour
      </span>
      <span className={styles.mark}>
        <svg viewBox="0 0 16 16" aria-hidden="true">
          <circle data-part="new-mark" cx="8" cy="8" r="3" />
        </svg>
        new: NGINX colours it
      </span>
      <span className={styles.mark}>
        <svg viewBox="0 0 16 16" aria-hidden="true">
          <circle cx="8" cy="8" r="4" />
          <circle data-part="moved-mark" cx="8" cy="8" r="7" />
        </svg>
        moved to another server
      </span>
      <span className={styles.mark}>
        <svg viewBox="0 0 20 16" className={styles.wideMark} aria-hidden="true">
          <rect y="4" width="20" height="8" rx="4" />
        </svg>
        commit: longer = more hits
      </span>
      <span className={styles.mark}>
        <svg viewBox="0 0 4 16" className={styles.thinMark} aria-hidden="true">
          <path d="M2 1v14" />
        </svg>
        equal share
      </span>
      <span className={styles.sizes}>
        <span className={styles.dotKey}>{dots}</span>
        <span className={styles.dotKey}>{capsules}</span>
        <span className={styles.marksKey}>Marks: the last 12 visits</span>
      </span>
    </figcaption>
  )
}
