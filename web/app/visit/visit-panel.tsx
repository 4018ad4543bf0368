import type { ServerRow } from '../../shared/api.ts'
import type { PageView } from '../../shared/page-view.ts'
import { Moment } from '../ui/moment.tsx'
import frame from '../ui/panel.module.css'
import { ServerName } from '../ui/server-name.tsx'
import { useFormats } from '../ui/use-formats.ts'
import { CookieLife } from './cookie-life.tsx'
import { Fact, Figure } from './figure.tsx'
import { ForgetForm } from './forget-form.tsx'
import { Receipt } from './receipt.tsx'
import { RightNow } from './right-now.tsx'
import { StreakText } from './streak-text.tsx'
import { VisitAgain } from './visit-again.tsx'
import styles from './visit-panel.module.css'

type Props = {
  view: PageView
  /** the global counter, digits */
  counter: number | string
  servers: ServerRow[]
  hue: number | undefined
}

/** What happened to the person who reads: their number, their server, and how long it stays theirs. */
export function VisitPanel({ view: { visit, server, sticky_seconds }, counter, servers, hue }: Props) {
  const formats = useFormats()
  return (
    <section aria-label="Your visit" className={frame.panel}>
      <div className={styles.figures}>
        <Figure name="Your visit" value={visit ? `#${formats.whole(visit.hit)}` : 'no number'} yours>
          {visit && (
            <>
              <Fact name="Why this server">{visit.arrival_text}</Fact>
              <Fact name="Counted at">
                <Moment iso={visit.at} plain={visit.at_text} />
              </Fact>
            </>
          )}
        </Figure>
        <Figure name="Served by" value={<ServerName name={server.name} hue={hue} whole />}>
          {visit && (
            <Fact name="Cookie lasts" long>
              <CookieLife server={server} stickySeconds={sticky_seconds} />
            </Fact>
          )}
        </Figure>
        <Figure name="Counter" value={formats.whole(counter)}>
          <Fact name="Counted by">all servers together</Fact>
        </Figure>
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
