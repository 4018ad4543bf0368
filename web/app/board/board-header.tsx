import type { Snapshot } from '../../answers.ts'
import { AuditBadge } from '../audit/audit-badge.tsx'
import { utcTime } from '../figures/times.ts'
import { useFormats } from '../figures/use-formats.ts'
import { ConnectionStatus } from '../live/connection-status.tsx'
import type { LiveView } from '../live/watch-board.ts'
import { ThemeChoice } from '../theme/theme-choice.tsx'
import styles from './board-header.module.css'
import { serversUpText } from './servers-up-text.ts'

type Props = { live: LiveView; snapshot: Snapshot }

/** The page's name, and whether what it shows is what is so. */
export function BoardHeader({ live: { board, status }, snapshot }: Props) {
  const formats = useFormats()
  const states = snapshot.servers.map(({ state }) => state)
  const serving = states.filter(state => state === 'up' || state === 'joining' || state === 'draining')
  const allDraining = serving.length > 0 && serving.every(state => state === 'draining')
  return (
    <header className={styles.header}>
      <h1>Balance Board</h1>
      <div className={styles.state}>
        <ConnectionStatus
          status={status}
          trouble={board.trouble}
          figuresAt={snapshot.at}
          allDraining={allDraining}
        />
        <p className={styles.up}>{serversUpText(states, formats.whole)}</p>
      </div>
      <p className={styles.paper}>{`As of ${utcTime(snapshot.at, '')}`}</p>
      <AuditBadge snapshot={snapshot} />
      <ThemeChoice />
    </header>
  )
}
