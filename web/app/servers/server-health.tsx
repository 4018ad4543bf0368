import type { ServerRow } from '../../shared/api.ts'
import { elapsed } from '../../shared/durations.ts'
import { Cell } from '../ui/table.tsx'
import { useFormats } from '../ui/use-formats.ts'
import { ErrorCount } from './error-count.tsx'
import { latencyText, megabytes } from './health-text.ts'
import { uptimeMs } from './server-times.ts'
import styles from './servers-table.module.css'

type Props = { server: ServerRow; now: string }

/** How a server does, by its own word: five cells, which on a phone are one line with units. */
export function ServerHealth({ server, now }: Props) {
  const formats = useFormats()
  const { p50_ms, p99_ms, streams, memory_bytes } = server
  return (
    <>
      <Cell className={`${styles.detail} ${styles.latency}`}>
        <span className={styles.unit}>p50 / p99 ms </span>
        <span>{latencyText(p50_ms, p99_ms, formats)}</span>
      </Cell>
      <Cell className={`${styles.detail} ${styles.errors}`}>
        <ErrorCount server={server} />
      </Cell>
      <Cell className={`${styles.detail} ${styles.watching}`}>
        <span>{formats.whole(streams)}</span>
        <span className={styles.unit}> watching</span>
      </Cell>
      <Cell className={`${styles.detail} ${styles.uptime}`}>
        <span className={styles.unit}>up </span>
        <span>{elapsed(uptimeMs(server, now))}</span>
      </Cell>
      <Cell
        className={`${styles.detail} ${styles.memory}`}
      >{`${formats.whole(megabytes(memory_bytes))} MB`}</Cell>
    </>
  )
}
