import { memo } from 'react'
import type { PageView, VisitTexts } from '../../shared/page-view.ts'
import styles from './visit-panel.module.css'

type Props = { server: PageView['server']; visit: VisitTexts }

/**
 * Proves why this server answered: shows the cookie that the browser sent beside this server's cookie, which is the MD5 of the
 * server's address. If they are equal, NGINX followed the cookie. The arrival is filled into the finished page (see
 * web/shared/page-view.ts), and the style shows the cookie that fits it.
 */
export const Receipt = memo(function Receipt({ server: { srv_id, name, address }, visit }: Props) {
  return (
    <div className={styles.receipt}>
      <dl className={styles.facts}>
        <div>
          <dt>Cookie you came with</dt>
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
          The cookie you came with is what the request of this visit carried. NGINX answered it with the
          cookie of the server beside it. A browser that keeps cookies has it now: in its tools, under Storage
          or Application, as srv_id. A page’s script cannot read it, so the page cannot compare it for you.
        </p>
        <p>
          The md5: <code>printf {address} | md5sum</code>
        </p>
        <p>
          Fairness: Jain’s index of the hits a second of the servers that are up, over the last few seconds. 1
          means all alike; one of three that gets everything, 0.33. Few visitors who stick to their servers
          make it low.
        </p>
      </details>
    </div>
  )
})
