import useSWR from 'swr'
import type { LogPage } from '../../answers.ts'
import { isLogPage } from '../live/answer-guards.ts'
import { fetchAnswer } from '../live/fetch-answer.ts'
import type { ShownRow } from './shown-row.ts'

const read = (url: string) => fetchAnswer(isLogPage, url)

/**
 * The row with its arrival. Of the own one, only the text may be known: the board can be older than the visit, and of many
 * visits a second it shows the newest alone. The log has every one, so it is asked for that one.
 */
export function useArrival(row: ShownRow): ShownRow {
  const id = Number(row.id)
  const { data } = useSWR<LogPage, Error>(
    row.arrival === null ? `/api/log?before=${id + 1}&limit=1` : null,
    read,
    { revalidateOnFocus: false, revalidateOnReconnect: false },
  )
  const found = data?.rows.find(one => one.id === id)
  return found ? { ...row, arrival: found.arrival, moved_from: found.moved_from } : row
}
