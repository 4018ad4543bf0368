import { memo } from 'react'
import { rateSeconds } from '../../shared/limits.ts'
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
