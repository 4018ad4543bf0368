import useSWRSubscription from 'swr/subscription'
import type { Snapshot } from '../../shared/api.ts'
import { startBoard } from '../live/live-board.ts'
import { type LiveView, watchBoard } from '../live/watch-board.ts'

/** The board as the page came with it, and from hydration on as it is now. */
export function useLiveBoard(first: Snapshot): LiveView {
  const fallbackData: LiveView = { board: startBoard(first), status: { kind: 'connecting' } }
  const { data } = useSWRSubscription<LiveView, Error, string>(
    '/api/live',
    (url: string, { next }) => watchBoard(url, fallbackData, view => next(null, view)),
    { fallbackData },
  )
  return data ?? fallbackData
}
