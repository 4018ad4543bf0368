// What happened to the reader: their number, their server, and how long the cookie keeps them there. board/board.tsx
// renders the panel. `Receipt` proves the choice of the server. The facts of the visit are filled into the finished page
// (web/shared/page-view.ts). sticky-cookie.ts follows the cookie across tabs, streak.ts counts visits in a row,
// notices.tsx has the messages above the panel.

import { type FormEvent, memo, type ReactNode, useState } from 'react'
import type { Snapshot } from '../../shared/api.ts'
import { rateSeconds } from '../../shared/limits.ts'
import type { PageView, VisitTexts } from '../../shared/page-view.ts'
import { shownRate, shownState } from '../../shared/shown-state.ts'
import { countdown } from '../../shared/times.ts'
import { fairness } from '../servers/server-rows.ts'
import { Moment, ServerName } from '../ui/badges.tsx'
import { useFormats } from '../ui/formats.ts'
import { PhoneFold } from '../ui/later.tsx'
import { useNow } from '../ui/page-lifecycle.ts'
import ui from '../ui/ui.module.css'
import {
  type GoneServers,
  type KnownHold,
  tellOtherTabs,
  useCookieHold,
  useGoneServers,
} from './sticky-cookie.ts'
import { type KnownStreak, useStreak } from './streak.ts'
import styles from './visit-panel.module.css'

type Props = {
  view: PageView
  /** the global counter, in digits */
  counter: number | string
  snapshot: Snapshot
  /** false while the database or no server answers */
  current: boolean
  hue: number | undefined
}

export function VisitPanel({ view, counter, snapshot, current, hue }: Props) {
  const { visit, server, sticky_seconds } = view
  const formats = useFormats()
  return (
    <section aria-label="Your visit" className={ui.panel}>
      <h2 className={ui.visuallyHidden}>Your visit</h2>
      <div className={styles.metrics}>
        <Metric
          name="Your visit"
          value={
            visit ? <span {...formats.mark('whole')}>{`#${formats.whole(visit.hit)}`}</span> : 'no number'
          }
          yours
        >
          {visit && (
            <>
              <Fact name="Why this server">{visit.arrival_text}</Fact>
              <Fact name="Counted at">
                <Moment iso={visit.at} plain={visit.at_text} />
              </Fact>
            </>
          )}
        </Metric>
        <Metric name="Served by" value={<ServerName name={server.name} hue={hue} whole />}>
          {visit && (
            <Fact name="Cookie lasts">
              <CookieLife server={server} snapshot={snapshot} stickySeconds={sticky_seconds} />
            </Fact>
          )}
        </Metric>
        <Metric name="Counter" value={<span {...formats.mark('whole')}>{formats.whole(counter)}</span>}>
          <Fact name="Includes">visits since the start</Fact>
        </Metric>
        <RightNow snapshot={snapshot} current={current} />
      </div>
      {visit && (
        <>
          <div className={styles.actions}>
            <VisitAgain />
            <ForgetForm />
            <StreakText hit={visit.hit} srvId={server.srv_id} />
          </div>
          <div className={styles.proof}>
            <PhoneFold label="The cookie that decided" className={styles.receipt}>
              <Receipt server={server} visit={visit} />
            </PhoneFold>
          </div>
        </>
      )}
    </section>
  )
}

type MetricProps = {
  name: string
  value: ReactNode
  /** the reader's own number: the largest text on the page */
  yours?: boolean
  /** facts about it */
  children?: ReactNode
}

/** A figure with its name above, and facts about it below. */
function Metric({ name, value, yours, children }: MetricProps) {
  return (
    <dl className={styles.metric}>
      <dt className={styles.name}>{name}</dt>
      <dd className={yours ? styles.yours : styles.value}>{value}</dd>
      {children}
    </dl>
  )
}

type FactProps = {
  /** for screen readers only */
  name: string
  children: ReactNode
}

function Fact({ name, children }: FactProps) {
  return (
    <>
      <dt className={ui.visuallyHidden}>{name}</dt>
      <dd className={styles.fact}>{children}</dd>
    </>
  )
}

type CookieLifeProps = {
  server: { srv_id: string; name: string }
  snapshot: Snapshot
  stickySeconds: number
}

/** How long the sticky cookie still leads to its server: its lifetime in the HTML, then a countdown. */
function CookieLife({ server, snapshot: { servers, at }, stickySeconds }: CookieLifeProps) {
  const hold = useCookieHold(server.srv_id, server.name, stickySeconds)
  const now = useNow()
  const gone = useGoneServers(servers, at)
  const othersAnswer = servers.some(({ srv_id }) => gone[srv_id] === '')
  const isKnown = hold !== undefined && now !== null
  return (
    <span>
      {isKnown
        ? cookieLifeText(hold, { srvId: server.srv_id, gone, othersAnswer, now })
        : `stays yours for ${countdown(stickySeconds * 1000)}`}
    </span>
  )
}

type CookieFacts = {
  /** of the server that answered this visit */
  srvId: string
  gone: GoneServers
  /** there are servers that can answer */
  othersAnswer: boolean
  /** ms of the browser's clock */
  now: number
}

function cookieLifeText(hold: KnownHold, { srvId, gone, othersAnswer, now }: CookieFacts): string {
  if (hold === 'blocked') return 'not kept: your browser blocks cookies, so any server may answer next'
  if (hold === 'unknown')
    return 'not known: other pages may have changed the cookie, and this browser keeps no record'
  if (hold === null) return 'forgotten: the next visit may go to any server'
  if (now >= hold.until) return 'expired: the next visit may go to any server'
  const how = gone[hold.srv_id]
  // One that is silent may still answer. Short, because a second line on a phone would move what is below.
  if (how) return othersAnswer ? `${hold.server} ${how} to another server` : 'no server is known to answer'
  const left = countdown(hold.until - now)
  if (hold.srv_id === srvId) return `stays yours for ${left}`
  return `now leads to ${hold.server} for ${left}: a later visit was sent there`
}

/** Evenness of fewer hits says more about chance than about NGINX. */
const enoughHits = 10

/** Traffic of the last seconds, and how evenly it is spread over the servers that are up. */
function RightNow({ snapshot: { servers, at }, current }: { snapshot: Snapshot; current: boolean }) {
  const formats = useFormats()
  const rates = servers.map(server => shownRate(server, at, current) ?? 0)
  const total = rates.reduce((sum, rate) => sum + rate, 0)
  const up = rates.filter((_, place) => servers[place] && shownState(servers[place], at) === 'up')
  const index = total * rateSeconds < enoughHits ? null : fairness(up)
  return (
    <Metric
      name="Right now"
      value={<span {...formats.mark('rate')}>{`${current ? formats.rate(total) : '–'} hits/s`}</span>}
    >
      <Fact name="Spread">
        <span
          {...formats.mark('percent')}
        >{`evenness ${index === null ? '–' : formats.percent(index)}`}</span>
      </Fact>
    </Metric>
  )
}

/** How many visits of this tab in a row reached the same server. Reserves its line until that is known. */
function StreakText({ hit, srvId }: { hit: string; srvId: string }) {
  const { whole } = useFormats()
  const streak = useStreak(hit, srvId)
  return <p className={styles.streak}>{streak ? streakText(streak, whole) : ''}</p>
}

function streakText({ times, before }: KnownStreak, whole: (count: number) => string): string {
  switch (before) {
    case 'nothing':
      return 'first visit from this tab'
    case 'same server':
      return `${whole(times)} visits in a row, same server`
    case 'other server':
      return 'previous visit from this tab went to another server'
    case 'unknown':
      return ''
  }
}

type ReceiptProps = { server: PageView['server']; visit: VisitTexts }

/**
 * Proves why this server answered: shows the cookie that the browser sent beside this server's cookie, which is the MD5 of the
 * server's address. If they are equal, NGINX followed the cookie. The arrival is filled into the finished page (see
 * web/shared/page-view.ts), and the style shows the cookie that fits it.
 */
const Receipt = memo(function Receipt({ server: { srv_id, name, address }, visit }: ReceiptProps) {
  return (
    <>
      <dl className={styles.facts}>
        <div>
          <dt>Cookie you sent</dt>
          <dd data-arrival={visit.arrival}>
            <code className={styles.none}>none</code>
            <code className={styles.same}>{srv_id}</code>
            <code className={styles.other}>{visit.cookie}</code>
          </dd>
        </div>
        <div data-arrival={visit.arrival}>
          <dt>
            {name}’s cookie: md5 of <code>{address}</code>
          </dt>
          <dd>
            <code>{srv_id}</code>
          </dd>
        </div>
        <div>
          <dt>Your address</dt>
          <dd>
            <code>{visit.client_ip}</code>
          </dd>
        </div>
      </dl>
      <details className={styles.details}>
        <summary>How to check this</summary>
        <p>
          Your browser sent the first cookie with this visit, and NGINX answered with the second. A browser
          that keeps cookies now has it as srv_id: see Storage or Application in its developer tools. Scripts
          cannot read this cookie, so the page cannot compare it for you.
        </p>
        <p>
          The md5: <code>printf {address} | md5sum</code>
        </p>
        <p>
          Evenness: Jain’s index of the hits per second of all servers that are up, over the last{' '}
          {rateSeconds} seconds. 100% = all get the same; 33% = one of three gets everything. A few visitors
          who stay on their servers make it low. Under ten hits it says little, so it is not shown.
        </p>
      </details>
    </>
  )
})

/** Reloads the page, which is one more visit. */
export function VisitAgain() {
  return (
    // biome-ignore lint/a11y/useValidAnchor: the current address, with the range and the filter in it
    <a href="" className={`${ui.button} ${ui.primaryButton}`}>
      Visit again
    </a>
  )
}

const forgetPath = '/api/forget'

/** Makes the server expire the sticky cookie, which scripts cannot read, then visits again without it. */
function ForgetForm() {
  const [state, setState] = useState<'ready' | 'asking' | 'failed'>('ready')

  async function forget(event: FormEvent) {
    event.preventDefault()
    if (state === 'asking') return
    setState('asking')
    const forgotten = await fetch(forgetPath, { method: 'POST' }).then(
      answer => answer.ok,
      () => false,
    )
    if (!forgotten) return setState('failed')
    tellOtherTabs(null)
    location.reload()
  }

  return (
    <form action={forgetPath} method="post" onSubmit={forget}>
      {/* Keeps the focus, unlike a disabled button. */}
      <button type="submit" className={ui.button} aria-disabled={state === 'asking' || undefined}>
        Forget my cookie
      </button>
      {state === 'failed' && (
        <p role="alert">No answer. You still have your cookie; try again in a moment.</p>
      )}
    </form>
  )
}
