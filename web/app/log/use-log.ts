import { useState } from 'react'
import useSWR from 'swr'
import type { LogPage, LogRow } from '../../answers.ts'
import { isLogPage } from '../live/answer-guards.ts'
import { fetchAnswer } from '../live/fetch-answer.ts'
import { isAll, type LogChoice, logUrl } from './log-url.ts'
import { walkLog } from './walk-log.ts'

const refreshMs = 2000
/** Calls for one older page; the newest one, asked for again and again, takes a single call. */
const longWalk = 10

type Key = [path: string, choice: LogChoice, before: number | null]

function read([path, choice, before]: Key): Promise<LogPage> {
  const ask = (from: number | null) => fetchAnswer(isLogPage, logUrl(path, choice, from))
  return walkLog(ask, before, before === null ? 1 : longWalk)
}

/**
 * The rows to show. All and the newest come with the live board; a choice, and older pages, are asked for. `live`: new
 * rows come in by themselves.
 */
export function useLog(newest: LogRow[], choice: LogChoice) {
  const [frozen, setFrozen] = useState<LogRow[] | null>(null)
  const [pages, setPages] = useState<number[]>([])
  const before = pages.at(-1) ?? null
  const isAsked = before !== null || !isAll(choice)
  const live = frozen === null && before === null
  const { data, error, isLoading } = useSWR<LogPage, Error, Key | null>(
    isAsked ? ['/api/log', choice, before] : null,
    read,
    {
      refreshInterval: live ? refreshMs : 0,
      revalidateOnFocus: live,
      revalidateOnReconnect: live,
      keepPreviousData: true,
    },
  )
  const asked = data ?? { rows: [], next: null }
  return {
    rows: isAsked ? asked.rows : (frozen ?? newest),
    isAsked,
    live,
    /** an older page is shown */
    older: before !== null,
    loading: isAsked && isLoading,
    error: isAsked ? error : undefined,
    next: isAsked ? asked.next : nextOf(frozen ?? newest),
    pause: () => setFrozen(newest),
    goLive: () => {
      setFrozen(null)
      setPages([])
    },
    showOlder: (from: number) => setPages([...pages, from]),
    showNewer: () => setPages(pages.slice(0, -1)),
    /** from the newest again: what else is shown has changed */
    restart: () => setPages([]),
  }
}

/** The board brings 50 rows, if there are as many. */
function nextOf(rows: LogRow[]): number | null {
  return rows.length < 50 ? null : (rows.at(-1)?.id ?? null)
}
