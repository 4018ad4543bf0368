import type { PageProblem } from '../../page/page-view.ts'
import { lengthInWords } from '../figures/durations.ts'
import notice from '../frame/notice.module.css'
import styles from './problem-notice.module.css'

/**
 * Tells a visitor who got no number what is known of their visit. Which of the two it is, is filled into the finished
 * page, so both stand in it and the style shows the right one.
 */
export function ProblemNotice({ problem: { code, message, retry_after } }: { problem: PageProblem }) {
  return (
    <div className={notice.notice} data-code={code}>
      <p className={`${styles.title} ${styles.certain}`}>This page view was not counted.</p>
      <p className={`${styles.title} ${styles.unknown}`}>This page view may have been counted.</p>
      <p>
        {message} All else on this page goes on. Visit again in {lengthInWords(retry_after)}, or later.
      </p>
    </div>
  )
}
