import type { Snapshot } from '../../answers.ts'
import { AuditBadge } from '../audit/audit-badge.tsx'
import { useFormats } from '../figures/use-formats.ts'
import { ConnectionStatus } from '../live/connection-status.tsx'
import type { LiveView } from '../live/watch-board.ts'
import { ThemeChoice } from '../theme/theme-choice.tsx'
import styles from './board-header.module.css'

type Props = { live: LiveView; snapshot: Snapshot }

/** The page's name, and whether what it shows is what is so: last in its line, so that its words move nothing. */
export function BoardHeader({ live: { board, status }, snapshot }: Props) {
  const formats = useFormats()
  const up = snapshot.servers.filter(({ state }) => state === 'up').length
  return (
    <header className={styles.header}>
      <h1>Balance Board</h1>
      <div className={styles.state}>
        <p className={styles.up}>
          {formats.whole(up)} {up === 1 ? 'server' : 'servers'} up
        </p>
        <ConnectionStatus status={status} trouble={board.trouble} figuresAt={snapshot.at} />
      </div>
      <AuditBadge snapshot={snapshot} />
      <ThemeChoice />
    </header>
  )
}
