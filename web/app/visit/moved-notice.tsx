import type { VisitTexts } from '../../page/page-view.ts'
import notice from '../frame/notice.module.css'
import styles from './moved-notice.module.css'

/**
 * Tells a visitor whose cookie was not followed. Whether it was so is filled into the finished page (see
 * web/page/page-view.ts): so the notice is always in it, and the style shows it to whom it concerns.
 */
export function MovedNotice({ visit }: { visit: VisitTexts }) {
  return (
    <p className={`${notice.notice} ${styles.moved}`} data-arrival={visit.arrival}>
      {visit.moved_text}
    </p>
  )
}
