import { ShapeMark } from '../ui/shape-mark.tsx'
import { useHydrated } from '../ui/use-hydrated.ts'
import { steadyNow, useNow } from '../ui/use-now.ts'
import styles from './connection-status.module.css'
import { type ConnectionFacts, type ConnectionWords, connectionWords } from './connection-words.tsx'

const inHtml: ConnectionWords = { shape: 'empty', short: 'As of your visit' }

/**
 * Whether what is shown is what is so, in a word or two; what there is to tell of it stands at the window's foot, where
 * it moves nothing. Read out when it changes.
 */
export function ConnectionStatus(facts: ConnectionFacts) {
  const hydrated = useHydrated()
  const now = useNow(steadyNow)
  const { shape, short, bad, detail } = hydrated ? connectionWords(facts, now) : inHtml
  return (
    <div role="status" className={styles.status} data-bad={bad || undefined}>
      <p className={styles.short}>
        <ShapeMark shape={shape} />
        <span>{short}</span>
      </p>
      {detail && (
        <p key={short} className={styles.detail}>
          {detail}
        </p>
      )}
    </div>
  )
}
