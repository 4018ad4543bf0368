import { lengthInWords } from '../../shared/durations.ts'
import type { PageProblem } from '../../shared/page-view.ts'
import notice from '../ui/notice.module.css'
import styles from './problem-notice.module.css'
import { useEarlierTry } from './use-earlier-try.ts'
import { VisitAgain } from './visit-again.tsx'

/** Tells a visitor who got no number why, and that all else on the page goes on. */
export function ProblemNotice({ problem: { code, message, retry_after } }: { problem: PageProblem }) {
  const earlierTry = useEarlierTry()
  return (
    <section aria-label="This visit" className={`${notice.notice} ${styles.problem}`} data-code={code}>
      <p>
        <strong>{message}</strong>{' '}
        {earlierTry && (
          <span>But another had it before, and did not answer: that one may have counted it. </span>
        )}
        <span>{`Try again in ${lengthInWords(retry_after)}, or later. What stands below goes on by itself.`}</span>
      </p>
      <VisitAgain />
    </section>
  )
}
