import { useState } from 'react'
import useSWR from 'swr'
import { isLogPage, type LogPage, type LogRow } from '../../shared/api.ts'
import { fetchAnswer } from '../live/api-client.ts'
import { useUrlParameter } from '../ui/address-bar.ts'
import { allVisits, isAll, type LogChoice, logUrl, placeInLog, walkLog } from './log-rows.ts'

const refreshMs = 2000
/** Calls for one older page; the newest one, asked for again and again, takes a single call. */
const longWalk = 10

type Key = [path: string, choice: LogChoice, before: number | null]

function read([path, choice, before]: Key): Promise<LogPage> {
  const ask = (from: number | null) => fetchAnswer(isLogPage, logUrl(path, choice, from))
  return walkLog(ask, before, before === null ? 1 : longWalk)
}

/**
 * The rows to show. All and the newest come with the live board; a choice, and older pages, are asked for. The
 * place of an older page stands in the address. `live`: new rows come in by themselves. `own` is this visit's number.
 */
export function useLog(newest: LogRow[], choice: LogChoice, own: number | null) {
  const [frozen, setFrozen] = useState<LogRow[] | null>(null)
  const [place, goTo] = useUrlParameter('before')
  /** the places passed on the way here; a shared address has none */
  const [way, setWay] = useState<string[]>([])
  const before = placeInLog(place)
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
  // The board can be older than the visit. Live, it catches up; what is paused would for ever lack what lies between.
  const lacks = frozen !== null && own !== null && own > (frozen[0]?.id ?? 0)
  const { data: whole } = useSWR<LogPage, Error, Key | null>(
    lacks ? ['/api/log', allVisits, own + 1] : null,
    read,
  )
  const told = whole?.rows ?? frozen ?? newest
  // What stands there stays until the answer comes: nothing moves meanwhile.
  const asked = data ?? { rows: error ? [] : told, next: null }
  return {
    /** as it stands in the address; empty = the newest */
    place,
    rows: isAsked ? asked.rows : told,
    isAsked,
    live,
    /** an older page is shown */
    older: before !== null,
    loading: isAsked && isLoading,
    error: isAsked ? error : undefined,
    /** of rows that were asked for: the number below which older ones begin */
    next: asked.next,
    pause: () => setFrozen(newest),
    goLive: () => {
      setFrozen(null)
      restart()
    },
    showOlder: (from: number) => {
      setWay([...way, place])
      goTo(String(from))
    },
    showNewer: () => {
      setWay(way.slice(0, -1))
      goTo(way.at(-1) ?? '')
    },
    restart,
  }

  /** From the newest again: what else is shown has changed. */
  function restart(): void {
    setWay([])
    goTo('')
  }
}
