import { useState } from 'react'
import { isLogPage, type LogPage, type LogRow } from '../../shared/api.ts'
import { Answers, useAnswer } from '../live/answers.ts'
import { fetchAnswer } from '../live/api-client.ts'
import { useUrlParameter } from '../ui/address-bar.ts'
import { isUnfiltered, type LogFilter, logUrl, noFilter, placeInLog, walkLog } from './log-rows.ts'

const refreshMs = 2000
/** Calls for one older page. The newest page, which is read every 2 s, takes a single call. */
const olderPageCalls = 10

type Place = { filter: LogFilter; before: number | null }

const pages = new Answers(({ filter, before }: Place): Promise<LogPage> => {
  const fetchRows = (from: number | null) => fetchAnswer(isLogPage, logUrl('/api/log', filter, from))
  return walkLog(fetchRows, before, before === null ? 1 : olderPageCalls)
})

/**
 * The rows to show. Without a filter, the newest rows come with the live board. Filtered rows and older pages are fetched; the
 * page's address holds the place of an older page. `ownHit`: this visit's number.
 */
export function useLog(newest: LogRow[], filter: LogFilter, ownHit: number | null) {
  const [frozen, setFrozen] = useState<LogRow[] | null>(null)
  const [place, goTo] = useUrlParameter('before')
  /** the places of the newer pages; empty in a shared address */
  const [newer, setNewer] = useState<string[]>([])
  const before = placeInLog(place)
  const isFetched = before !== null || !isUnfiltered(filter)
  const live = frozen === null && before === null
  const { data, error, loading } = useAnswer(pages, isFetched ? { filter, before } : null, {
    everyMs: live ? refreshMs : null,
  })
  // The board can be older than the visit. A live log catches up; a paused one would lack the rows between for ever.
  const isIncomplete = frozen !== null && ownHit !== null && ownHit > (frozen[0]?.id ?? 0)
  const { data: complete } = useAnswer(pages, isIncomplete ? { filter: noFilter, before: ownHit + 1 } : null)
  const boardRows = complete?.rows ?? frozen ?? newest
  // The rows shown stay until the answer comes, so that nothing moves.
  const fetched = data ?? { rows: error ? [] : boardRows, next: null }
  return {
    /** as in the address; empty = the newest */
    place,
    rows: isFetched ? fetched.rows : boardRows,
    isFetched,
    /** new rows come in by themselves */
    live,
    /** an older page is shown */
    older: before !== null,
    loading,
    error,
    /** of fetched rows: older ones are below this number; null = there are none */
    next: fetched.next,
    pause: () => setFrozen(newest),
    goLive: () => {
      setFrozen(null)
      restart()
    },
    showOlder: (from: number) => {
      setNewer([...newer, place])
      goTo(String(from))
    },
    showNewer: () => {
      setNewer(newer.slice(0, -1))
      goTo(newer.at(-1) ?? '')
    },
    restart,
  }

  /** Back to the newest page. */
  function restart(): void {
    setNewer([])
    goTo('')
  }
}
