import { useFormats } from '../ui/use-formats.ts'
import type { ShownRow } from './shown-row.ts'
import type { useLog } from './use-log.ts'

type Props = { log: ReturnType<typeof useLog>; rows: ShownRow[]; counter: number }

/** Which rows these are. */
export function LogNote({ log, rows, counter }: Props) {
  const { whole } = useFormats()
  const newest = Number(rows[0]?.id ?? 0)
  const oldest = Number(rows.at(-1)?.id ?? 0)
  if (log.older) return <span>{rows.length > 0 ? `Numbers ${whole(newest)} to ${whole(oldest)}` : ''}</span>
  if (!log.live)
    return (
      <span>{`Paused at number ${whole(newest)}: the counter is at ${whole(Math.max(newest, counter))}`}</span>
    )
  return <span>{log.isAsked ? 'The newest of those chosen' : 'The newest 50, newest first'}</span>
}
