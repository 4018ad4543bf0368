import type { PageView } from '../../page/page-view.ts'
import styles from './moved-notice.module.css'

/**
 * Tells a visitor whose server was not there any more. Whether it was so is filled into the finished page (see
 * web/page/page-view.ts): so the notice is always in it, and the style shows it to whom it concerns.
 */
export function MovedNotice({ view: { visit, server } }: { view: PageView }) {
  if (!visit) return null
  return (
    <p className={styles.notice} data-arrival={visit.arrival}>
      {visit.arrival_text} to {server.name}. Nothing was lost.
    </p>
  )
}
