import { Fragment, type ReactNode, useSyncExternalStore } from 'react'
import type { FiringAlert, LiveOutage } from '../../shared/api.ts'
import type { MonitoringLinks } from '../../shared/page-view.ts'
import { shownState } from '../../shared/shown-state.ts'
import { elapsed, utcTime } from '../../shared/times.ts'
import { AuditBadge } from '../audit/audit.tsx'
import type { ConnectionStatus } from '../live/connection.ts'
import type { LiveView } from '../live/watch-board.ts'
import { serversUpText } from '../servers/server-rows.ts'
import { Moment, type Shape, ShapeIcon } from '../ui/badges.tsx'
import { useFormats } from '../ui/formats.ts'
import { steadyNow, useHydrated, useNow } from '../ui/page-lifecycle.ts'
import { chooseTheme, chosenTheme, isTheme, onThemeChange, type Theme } from '../ui/theme.ts'
import ui from '../ui/ui.module.css'
import styles from './board.module.css'

type Props = {
  live: LiveView
  /** the figures are of now */
  current: boolean
  monitoring: MonitoringLinks
}

/** The page's name, the connection, the audit badge, the theme, and the monitoring if there is one. */
export function BoardHeader({ live: { board, status }, current, monitoring }: Props) {
  const formats = useFormats()
  const { snapshot, outage } = board
  const states = snapshot.servers.map(server => shownState(server, snapshot.at))
  return (
    <header className={styles.header}>
      <h1>Balance Board</h1>
      <div className={styles.state}>
        <ConnectionIndicator status={status} outage={outage} figuresAt={snapshot.at} />
        {/* States that may have changed are not claimed. */}
        <p className={styles.up} {...formats.mark('whole')}>
          {current && serversUpText(states, formats.whole)}
        </p>
      </div>
      <p className={styles.paper}>{`As of ${utcTime(snapshot.at, '')}`}</p>
      <AuditBadge snapshot={snapshot} current={current} />
      <ThemeChoice />
      <Monitoring links={monitoring} alerts={snapshot.alerts} />
    </header>
  )
}

type MonitoringProps = { links: MonitoringLinks; alerts: FiringAlert[] | undefined }

/** Links to the monitoring, and the alerts that fire: undefined = not known. */
function Monitoring({ links: { prometheus, grafana, hasAlerts }, alerts }: MonitoringProps) {
  if (!prometheus && !grafana && !hasAlerts) return null
  const text = alerts && alertsText(alerts)
  const summaries = alerts?.map(({ name, summary }) => (summary ? `${name}: ${summary}` : name)).join('\n')
  return (
    <div className={styles.monitoring}>
      {prometheus && <a href={prometheus}>Prometheus</a>}
      {grafana && <a href={grafana}>Grafana</a>}
      <p className={styles.alerts} data-bad={(alerts && alerts.length > 0) || undefined} title={summaries}>
        {text && prometheus ? (
          <a href={new URL('alerts', prometheus.replace(/\/*$/, '/')).href}>{text}</a>
        ) : (
          text
        )}
      </p>
    </div>
  )
}

function alertsText(alerts: FiringAlert[]): string {
  if (alerts.length === 0) return 'No alerts'
  const count = alerts.length === 1 ? '1 alert' : `${alerts.length} alerts`
  return `${count}: ${alerts.map(({ name }) => name).join(', ')}`
}

type ConnectionFacts = {
  status: ConnectionStatus
  /** null = the replica reads the database */
  outage: LiveOutage | null
  /** time of the figures shown */
  figuresAt: string
}

type ConnectionWords = {
  shape: Shape
  short: string
  /** the figures shown are not current */
  bad?: boolean
  /** what happened, since when, and what it means */
  detail?: ReactNode
  /** screen readers skip the detail, as the event line tells them */
  isEvent?: boolean
}

/**
 * Whether the figures are current, in a word or two. Details appear at the bottom of the window, where they move nothing.
 * Screen readers announce changes.
 */
function ConnectionIndicator(facts: ConnectionFacts) {
  const hydrated = useHydrated()
  const now = useNow(steadyNow)
  const inHtml: ConnectionWords = { shape: 'empty', short: 'As of ' }
  const { shape, short, bad, detail, isEvent } = hydrated ? connectionWords(facts, now) : inHtml
  return (
    <div role="status" aria-label="Connection" className={styles.connection} data-bad={bad || undefined}>
      {/* New paragraphs for new words, which may start elsewhere than the old ones. */}
      <Fragment key={short}>
        <p className={styles.connectionShort}>
          <ShapeIcon shape={shape} />
          <span>{short}</span>
          {/* A busy server sends an older page than that of the visit. */}
          {!hydrated && <Moment iso={facts.figuresAt} plain={inSeconds(facts.figuresAt)} to="second" />}
        </p>
        {detail && (
          <p
            key={typeof detail === 'string' ? detail : undefined}
            aria-hidden={isEvent}
            className={styles.connectionDetail}
          >
            {detail}
          </p>
        )}
      </Fragment>
    </div>
  )
}

/** "12:04:31 UTC" */
const inSeconds = (iso: string) => utcTime(iso, iso).replace(/\.\d+/, '')

const pollingReasons = {
  crowded:
    'Other tabs of this browser use all its live connections. Close one of them to make this one live.',
  unshared:
    'This browser does not let its tabs share live connections now. The figures are correct, but up to 3 s old.',
  failed: 'No live connection can be kept open. The figures are correct, but up to 3 s old.',
}

/** `now`: ms of a steady clock; null until the page runs in the browser. */
function connectionWords(facts: ConnectionFacts, now: number | null): ConnectionWords {
  const { status, outage, figuresAt } = facts
  const figures = (
    <>
      figures are from <Moment iso={figuresAt} to="second" />
    </>
  )
  if (status.kind === 'lost') {
    // Screen readers do not read the passing seconds.
    const lasted = now === null ? '' : ` for ${elapsed(now - status.since)}`
    const detail = (
      <>
        No answer from any server<span aria-hidden="true">{lasted}</span>: {figures}. The page keeps trying,
        and catches up by itself.
      </>
    )
    return { shape: 'cross', short: 'Not connected', bad: true, detail, isEvent: true }
  }
  if (outage) {
    const detail = (
      <>
        No answer from the database since <Moment iso={outage.since} to="second" />: {figures}. Visits may
        fail until it is back. This page then catches up by itself.
      </>
    )
    return { shape: 'cross', short: 'Database not answering', bad: true, detail, isEvent: true }
  }
  if (status.kind === 'connecting') return { shape: 'dotted', short: 'Connecting' }
  if (status.kind === 'live') return { shape: 'full', short: 'Live' }
  return { shape: 'half', short: 'Polling every 2 s', detail: pollingReasons[status.noPlace ?? 'failed'] }
}

/** Needs JavaScript: the style hides it without. */
function ThemeChoice() {
  const theme = useSyncExternalStore(onThemeChange, chosenTheme, (): Theme => 'system')
  return (
    <label className={`${ui.fieldLabel} ${styles.themeChoice}`}>
      Theme
      <select
        className={`${ui.field} ${styles.themeSelect}`}
        value={theme}
        onChange={({ target }) => isTheme(target.value) && chooseTheme(target.value)}
      >
        <option value="system">System</option>
        <option value="light">Light</option>
        <option value="dark">Dark</option>
      </select>
    </label>
  )
}
