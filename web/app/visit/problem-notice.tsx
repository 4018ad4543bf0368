import type { PageView } from '../../page/page-view.ts'
import button from '../frame/button.module.css'
import styles from './problem-notice.module.css'

/** Tells a visitor who got no number why, and that nothing else is the matter with the page. */
export function ProblemNotice({ problem }: Pick<PageView, 'problem'>) {
  if (!problem) return null
  return (
    <section aria-label="This visit" className={styles.notice} data-code={problem.code}>
      <p>{problem.message}</p>
      <a href="/" className={button.button}>
        Visit again
      </a>
    </section>
  )
}
