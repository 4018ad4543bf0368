import type { PageView } from '../../page/page-view.ts'
import styles from './receipt.module.css'

type Props = { server: PageView['server']; clientIp: string | undefined }

/** Why the next visit comes back: the cookie's value, and that it is this server's address. Both are the server's words. */
export function Receipt({ server: { srv_id, address }, clientIp }: Props) {
  return (
    <div className={styles.receipt}>
      <dl className={styles.facts}>
        <div>
          <dt>Your cookie, srv_id</dt>
          <dd>
            <code>{srv_id}</code>
          </dd>
        </div>
        <div>
          <dt>
            <code>md5({address})</code>, of its server’s address
          </dt>
          <dd>
            <code>{srv_id}</code>
          </dd>
        </div>
        {clientIp && (
          <div>
            <dt>Your address</dt>
            <dd>
              <code>{clientIp}</code>
            </dd>
          </div>
        )}
      </dl>
      <details className={styles.details}>
        <summary>How to check this</summary>
        <p>
          The cookie: in the browser’s tools, under Storage or Application. A page’s script cannot read it, so
          the value above is the server’s word.
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
}
