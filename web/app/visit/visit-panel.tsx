// What happened to the reader: their number, their server, and how long the cookie keeps them there. board/board.tsx
// renders the panel. The facts of the visit are filled into the finished page (web/shared/page-view.ts). sticky-cookie.ts
// follows the cookie across tabs, streak.ts counts visits in a row, receipt.tsx proves the choice of the server,
// notices.tsx has the messages above the panel.

import { type FormEvent, type ReactNode, useState } from 'react'
import type { ServerRow } from '../../shared/api.ts'
import type { PageView } from '../../shared/page-view.ts'
import { countdown, lengthInWords } from '../../shared/times.ts'
import { fairness } from '../servers/server-rows.ts'
import { Moment, ServerName } from '../ui/badges.tsx'
import { useFormats } from '../ui/formats.ts'
import { useNow } from '../ui/page-lifecycle.ts'
import ui from '../ui/ui.module.css'
import { Receipt } from './receipt.tsx'
import { type KnownHold, tellOtherTabs, useCookieHold } from './sticky-cookie.ts'
import { type KnownStreak, useStreak } from './streak.ts'
import styles from './visit-panel.module.css'

type Props = {
  view: PageView
  /** the global counter, in digits */
  counter: number | string
  servers: ServerRow[]
  hue: number | undefined
}

export function VisitPanel({ view: { visit, server, sticky_seconds }, counter, servers, hue }: Props) {
  const formats = useFormats()
  return (
    <section aria-label="Your visit" className={ui.panel}>
      <div className={styles.metrics}>
        <Metric name="Your visit" value={visit ? `#${formats.whole(visit.hit)}` : 'no number'} yours>
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
            <Fact name="Cookie lasts" long>
              <CookieLife server={server} stickySeconds={sticky_seconds} />
            </Fact>
          )}
        </Metric>
        <Metric name="Counter" value={formats.whole(counter)}>
          <Fact name="Includes">visits since the start</Fact>
        </Metric>
        <RightNow servers={servers} />
      </div>
      {visit && (
        <>
          <div className={styles.actions}>
            <VisitAgain />
            <ForgetForm />
            <StreakText hit={visit.hit} srvId={server.srv_id} />
          </div>
          <Receipt server={server} visit={visit} />
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
  /** reserves a second line */
  long?: boolean
  children: ReactNode
}

function Fact({ name, long, children }: FactProps) {
  return (
    <>
      <dt className={ui.visuallyHidden}>{name}</dt>
      <dd className={long ? styles.long : styles.fact}>{children}</dd>
    </>
  )
}

type CookieLifeProps = {
  server: { srv_id: string; name: string }
  stickySeconds: number
}

/** How long the sticky cookie still leads to its server: its lifetime in the HTML, then a countdown. */
function CookieLife({ server, stickySeconds }: CookieLifeProps) {
  const hold = useCookieHold(server.srv_id, server.name, stickySeconds)
  const now = useNow()
  const isKnown = hold !== undefined && now !== null
  return (
    <span>
      {isKnown ? cookieLifeText(hold, server.srv_id, now) : `stays yours for ${lengthInWords(stickySeconds)}`}
    </span>
  )
}

function cookieLifeText(hold: KnownHold, srvId: string, now: number): string {
  if (hold === 'blocked') return 'not kept: your browser blocks cookies, so any server may answer next'
  if (hold === 'unknown')
    return 'not known: other pages may have changed the cookie, and this browser keeps no record'
  if (hold === null) return 'forgotten: the next visit may go to any server'
  if (now >= hold.until) return 'expired: the next visit may go to any server'
  const left = countdown(hold.until - now)
  if (hold.srv_id === srvId) return `stays yours for ${left}`
  return `now leads to ${hold.server} for ${left}: another tab was sent there`
}

/** Traffic of the last seconds, and how evenly it is spread over the servers that are up. */
function RightNow({ servers }: { servers: ServerRow[] }) {
  const formats = useFormats()
  const total = servers.reduce((sum, { rate }) => sum + rate, 0)
  const index = fairness(servers.filter(({ state }) => state === 'up').map(({ rate }) => rate))
  return (
    <Metric name="Right now" value={`${formats.rate(total)} hits/s`}>
      <Fact name="Measured over">last few seconds</Fact>
      <Fact name="Spread">
        fairness <span className={styles.ratio}>{index === null ? '–' : formats.ratio(index)}</span>
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
      <button type="submit" className={ui.button} disabled={state === 'asking'}>
        Forget my cookie
      </button>
      {state === 'failed' && (
        <p role="alert">No answer. You still have your cookie; try again in a moment.</p>
      )}
    </form>
  )
}
