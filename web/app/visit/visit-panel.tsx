import type { PageView } from '../../page/page-view.ts'
import { Moment } from '../figures/moment.tsx'
import { useFormats } from '../figures/use-formats.ts'
import button from '../frame/button.module.css'
import { Panel } from '../frame/panel.tsx'
import { ServerName } from '../marks/server-name.tsx'
import { CookieLife } from './cookie-life.tsx'
import { Fact } from './fact.tsx'
import { ForgetForm } from './forget-form.tsx'
import styles from './visit-panel.module.css'

type Props = {
  view: PageView
  /** the global counter, digits */
  counter: number | string
  hue: number | undefined
}

/** What happened to the person who reads: their number, their server, and how long it stays theirs. */
export function VisitPanel({ view: { visit, server, sticky_seconds }, counter, hue }: Props) {
  const formats = useFormats()
  return (
    <Panel title="Your visit">
      <div className={styles.figures}>
        <dl className={styles.figure}>
          <dt>Number</dt>
          <dd className={styles.number}>{visit ? formats.whole(visit.hit) : 'not counted'}</dd>
        </dl>
        <dl className={styles.figure}>
          <dt>Counted so far, by all servers</dt>
          <dd className={styles.counter}>{formats.whole(counter)}</dd>
        </dl>
      </div>
      <dl className={styles.facts}>
        <Fact name="Answered by" short>
          <ServerName name={server.name} hue={hue} />
        </Fact>
        {visit && (
          <Fact name="Why this server" short>
            {visit.arrival_text}
          </Fact>
        )}
        {visit && (
          <Fact name="Counted at">
            <Moment iso={visit.at} plain={visit.at_text} />
          </Fact>
        )}
        {visit && (
          <Fact name="Your address">
            <code>{visit.client_ip}</code>
          </Fact>
        )}
        <Fact name="Your cookie, srv_id">
          <code>{server.srv_id}</code>
        </Fact>
        <Fact name="Cookie lasts">
          <CookieLife server={server} stickySeconds={sticky_seconds} />
        </Fact>
      </dl>
      <div className={styles.actions}>
        <a href="/" className={`${button.button} ${button.first}`}>
          Visit again
        </a>
        <ForgetForm />
      </div>
    </Panel>
  )
}
