import type { Arrival, LogRow, ServerRow } from '../../shared/api.ts'
import type { PageView } from '../../shared/page-view.ts'
import { shownRate, shownState, silenceMs } from '../../shared/shown-state.ts'
import { elapsed } from '../../shared/times.ts'
import { histories, useAnswer } from '../live/answers.ts'
import type { Hues } from '../live/live-board.ts'
import { StateBadge } from '../servers/server-health.tsx'
import { isGone, serverDensity } from '../servers/server-rows.ts'
import { hueAttributes, ShapeIcon, YouBadge } from '../ui/badges.tsx'
import { padRate, useFormats } from '../ui/formats.ts'
import { type Commit, commitsOf, type Flow } from './flow.ts'
import { barHeight, capsuleWidth } from './geometry.ts'
import { type Bar, barsOf, needsHistory } from './minute.ts'
import pictureStyles from './picture.module.css'
import styles from './server-card.module.css'

type Props = {
  flow: Flow
  /** hits/s of each server; 0 where it is not known */
  rates: number[]
  hues: Hues
  current: boolean
  view: PageView
}

/** The servers in the picture, a card each. */
export function ServerCards({ flow, rates, hues, current, view }: Props) {
  const { servers, log, at } = flow.snapshot
  const bars = useBars(flow)
  const takingVisits = servers.filter(server => ['up', 'draining'].includes(shownState(server, at))).length
  const equal = rates.reduce((sum, rate) => sum + rate, 0) / takingVisits
  const last = log.slice(0, lastCount)
  return (
    <ul className={pictureStyles.servers}>
      {servers.map((server, place) => (
        <ServerCard
          key={server.id}
          server={server}
          at={at}
          rate={shownRate(server, at, current)}
          ofEqual={equal > 0 ? (rates[place] ?? 0) / equal : 0}
          bars={bars[place] ?? []}
          hue={hues[server.srv_id]}
          yours={server.srv_id === view.server.srv_id}
          last={last.filter(({ srv_id }) => srv_id === server.srv_id)}
          ownHit={view.visit?.hit}
          compact={serverDensity(servers.length) !== 'few'}
          current={current}
        />
      ))}
    </ul>
  )
}

type CardProps = {
  server: ServerRow
  /** time of the snapshot */
  at: string
  /** hits/s; null = not known now */
  rate: number | null
  /** its part of the traffic, 1 = as much as an equal share */
  ofEqual: number
  /** the hits of the last minute; heights in px */
  bars: DrawnBar[]
  hue: number | undefined
  /** it answered this visit */
  yours: boolean
  /** its rows of the last twelve visits, newest first */
  last: LogRow[]
  /** this visit's number, in digits */
  ownHit: string | undefined
  /** on one line where the window is wide enough */
  compact: boolean
  /** false while nothing is known of this moment */
  current: boolean
}

function ServerCard(props: CardProps) {
  const { server, at, rate, ofEqual, bars, hue, yours, last, ownHit, compact, current } = props
  const formats = useFormats()
  const { srv_id, name, hits } = server
  const state = shownState(server, at)
  const rateText = rate === null ? '' : formats.rate(rate)
  const hitsText = formats.whole(hits)
  return (
    <li className={styles.lane} data-compact={compact || undefined} {...hueAttributes(hue)}>
      <div
        className={styles.card}
        data-server={srv_id}
        data-state={state}
        data-yours={yours || undefined}
        data-again={hueAttributes(hue)['data-again']}
      >
        <svg className={styles.ring} viewBox="0 0 20 20" aria-hidden="true">
          <circle data-part="ring" cx="10" cy="10" r="6" />
        </svg>
        <div className={styles.head}>
          <p className={styles.name} title={name}>
            {name}
          </p>
          {yours && <YouBadge>you</YouBadge>}
          <p className={styles.state}>
            <StateBadge server={server} at={at} current={current} brief />
            {state === 'lost' && (
              <span className={styles.silence}>{` · silent for ${elapsed(silenceMs(server, at))}`}</span>
            )}
          </p>
        </div>
        {/* Aligned to the right: with another digit a text starts elsewhere, yet nothing moved. So it is a new one. */}
        <p key={`rate ${rateText.length}`} className={styles.rate} {...formats.mark('rate')}>
          {rateText ? `${padRate(rateText)}/s` : '–'}
        </p>
        <svg className={styles.bars} viewBox="0 0 60 20" preserveAspectRatio="none" aria-hidden="true">
          <path d="M0 20H60" />
          <path d={secondsPath(bars)} />
          <path d={bucketsPath(bars)} />
        </svg>
        <p key={`hits ${hitsText.length}`} className={styles.hits} {...formats.mark('whole')}>
          {`${hitsText} ${hits === 1 ? 'hit' : 'hits'}`}
        </p>
        <Meter ofEqual={ofEqual} />
      </div>
      {isGone(server.state) && (
        <span className={styles.cut}>
          <ShapeIcon shape="cross" />
        </span>
      )}
      <span className={styles.last} aria-hidden="true">
        {last.map(({ id, arrival }) => (
          <VisitMark key={id} arrival={arrival} own={String(id) === ownHit} />
        ))}
      </span>
      <span className={styles.lastCommits} aria-hidden="true">
        {commitsOf(last).map(commit => (
          <CommitMark key={commit.last} commit={commit} />
        ))}
      </span>
    </li>
  )
}

/** Visits of which the marks stand where nothing may move. */
const lastCount = 12

const barsHeight = 20

type DrawnBar = Bar & { height: number }

/** Each server's bars. All have one scale, on which a single hit in a second is a low bar. */
function useBars({ minute, snapshot: { servers, at } }: Flow): DrawnBar[][] {
  const now = Date.parse(at)
  const { data } = useAnswer(histories, needsHistory(minute, now) ? '5m' : null)
  const all = servers.map(({ srv_id }) => barsOf(minute, srv_id, data, now))
  const highest = Math.max(4, ...all.flat().map(({ hitsPerSecond }) => hitsPerSecond))
  const heightOf = ({ hitsPerSecond }: Bar) => barHeight(hitsPerSecond, highest, barsHeight)
  return all.map(bars => bars.map(bar => ({ ...bar, height: heightOf(bar) })))
}

/** Bars of one second are lines: their path is short, and the HTML has it. */
function secondsPath(bars: DrawnBar[]): string {
  return bars
    .filter(({ width }) => width === 1)
    .map(({ start, height }) => `M${start + 0.5} ${barsHeight}v-${height}`)
    .join('')
}

/** As much room between bars as between those of one second. */
const gap = 0.33

function bucketsPath(bars: DrawnBar[]): string {
  return bars
    .filter(({ width }) => width > 1)
    .map(
      ({ start, width, height }) => `M${start + gap / 2} ${barsHeight}v-${height}h${width - gap}v${height}z`,
    )
    .join('')
}

/** Reaches to twice the equal share, so that the tick in the middle is the equal share. */
function Meter({ ofEqual }: { ofEqual: number }) {
  return (
    <svg className={styles.meter} aria-hidden="true">
      <rect />
      <rect width={`${Math.min(100, Math.round(ofEqual * 50))}%`} />
      {ofEqual > 2 && <rect className={styles.meterCut} />}
      <rect />
    </svg>
  )
}

function VisitMark({ arrival, own }: { arrival: Arrival; own: boolean }) {
  return (
    // biome-ignore lint/a11y/noSvgWithoutTitle: all marks are hidden together
    <svg data-arrival={arrival} data-own={own || undefined}>
      <circle />
      {arrival === 'moved' && <circle />}
    </svg>
  )
}

function CommitMark({ commit: { hits } }: { commit: Commit }) {
  return (
    <span>
      {/* biome-ignore lint/a11y/noSvgWithoutTitle: all marks are hidden together */}
      <svg width={capsuleWidth(hits)}>
        <rect />
      </svg>
      {hits > 1 && <span>{`×${hits}`}</span>}
    </span>
  )
}
