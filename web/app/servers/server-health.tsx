import type { ServerRow } from '../../answers.ts'
import { elapsed } from '../figures/durations.ts'
import { useFormats } from '../figures/use-formats.ts'
import hidden from '../frame/hidden.module.css'
import { Cell } from '../table/table.tsx'
import { errorCodesText, latencyText, megabytes } from './health-text.ts'
import { uptimeMs } from './server-times.ts'
import styles from './servers-table.module.css'

type Props = { server: ServerRow; now: string }

/** How a server does, by its own word: five cells, which on a phone are one line with units. */
export function ServerHealth({ server, now }: Props) {
  const formats = useFormats()
  const { p50_ms, p99_ms, errors, error_codes, streams, memory_bytes } = server
  const codes = errorCodesText(error_codes, formats)
  return (
    <>
      <Cell className={`${styles.detail} ${styles.latency}`}>
        {latencyText(p50_ms, p99_ms, formats)}
        <span className={styles.unit}> ms</span>
      </Cell>
      <Cell className={`${styles.detail} ${styles.errors}`}>
        <span title={codes || undefined}>
          {formats.whole(errors)}
          <span className={styles.unit}> {errors === 1 ? 'error' : 'errors'}</span>
        </span>
        {codes && <span className={hidden.hidden}>: {codes}</span>}
      </Cell>
      <Cell className={`${styles.detail} ${styles.watching}`}>
        {formats.whole(streams)}
        <span className={styles.unit}> watching</span>
      </Cell>
      <Cell className={`${styles.detail} ${styles.uptime}`}>
        <span className={styles.unit}>up </span>
        {elapsed(uptimeMs(server, now))}
      </Cell>
      <Cell className={`${styles.detail} ${styles.memory}`}>{formats.whole(megabytes(memory_bytes))} MB</Cell>
    </>
  )
}
