import { useFormats } from '../ui/use-formats.ts'
import styles from './streak-text.module.css'
import { useStreak } from './use-streak.ts'

/** How often in a row this tab's visits reached the same server; its place is kept until that is known. */
export function StreakText({ hit, srvId }: { hit: string; srvId: string }) {
  const formats = useFormats()
  const times = useStreak(hit, srvId)
  return (
    <p className={styles.streak}>
      {times === null
        ? ''
        : times === 1
          ? 'first visit of this tab to this server'
          : `same server ${formats.whole(times)} times in a row in this tab`}
    </p>
  )
}
