import type { PageProblem } from '../../page/page-view.ts'
import { lengthInWords } from '../figures/durations.ts'
import notice from '../frame/notice.module.css'
import styles from './problem-notice.module.css'
import { VisitAgain } from './visit-again.tsx'

/** Tells a visitor who got no number why, and that all else on the page goes on. */
export function ProblemNotice({ problem: { code, message, retry_after } }: { problem: PageProblem }) {
  return (
    <section aria-label="This visit" className={`${notice.notice} ${styles.problem}`} data-code={code}>
      <p>
        <strong>{message}</strong> Try again in {lengthInWords(retry_after)}, or later. What stands below goes
        on by itself.
      </p>
      <VisitAgain />
    </section>
  )
}
