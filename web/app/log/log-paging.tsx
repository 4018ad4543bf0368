import button from '../ui/button.module.css'
import styles from './log-paging.module.css'
import type { useLog } from './use-log.ts'

type Props = {
  log: ReturnType<typeof useLog>
  /** the number below which older rows begin; null = there are none */
  next: number | null
  empty: boolean
}

/** To older rows and back. */
export function LogPaging({ log, next, empty }: Props) {
  const { older, loading, error } = log
  return (
    <div className={styles.paging}>
      {empty && <p className={styles.empty}>{emptyText(loading, error !== undefined, next !== null)}</p>}
      <button type="button" className={button.small} disabled={!older || loading} onClick={log.showNewer}>
        Newer
      </button>
      <button
        type="button"
        className={button.small}
        disabled={next === null || loading}
        onClick={() => next !== null && log.showOlder(next)}
      >
        Older
      </button>
    </div>
  )
}

function emptyText(loading: boolean, failed: boolean, more: boolean): string {
  if (loading) return 'Reading the log.'
  if (failed) return 'Nothing to show.'
  return more ? 'None among the newest; there may be older ones.' : 'There are none.'
}
