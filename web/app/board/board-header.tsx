import type { Snapshot } from '../../shared/api.ts'
import { utcTime } from '../../shared/times.ts'
import { AuditBadge } from '../audit/audit-badge.tsx'
import type { LiveView } from '../live/watch-board.ts'
import { serversUpText } from '../servers/servers-up-text.ts'
import { useFormats } from '../ui/use-formats.ts'
import styles from './board-header.module.css'
import { ConnectionStatus } from './connection-status.tsx'
import { ThemeChoice } from './theme-choice.tsx'

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
