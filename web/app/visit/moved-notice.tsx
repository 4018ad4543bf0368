import type { ServerRow } from '../../shared/api.ts'
import type { VisitTexts } from '../../shared/page-view.ts'
import notice from '../ui/notice.module.css'
import styles from './moved-notice.module.css'
import { useLaterKnown } from './use-later-known.ts'

type Props = { visit: VisitTexts; server: string; servers: ServerRow[] }

/**
 * Tells a visitor whose cookie was not followed. Whether it was so is filled into the finished page (see
 * web/shared/page-view.ts): so the notice is always in it, and the style shows it to whom it concerns.
 */
export function MovedNotice({ visit, server, servers }: Props) {
  const later = useLaterKnown(visit, server, servers)
  return (
    <p className={`${notice.notice} ${styles.moved}`} data-arrival={visit.arrival}>
      {/* Keeps the lines that it took. */}
      <span className={later ? styles.before : undefined}>{visit.moved_text}</span>
      {later && <span>{later}</span>}
    </p>
  )
}
