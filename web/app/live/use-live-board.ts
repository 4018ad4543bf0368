import useSWRSubscription from 'swr/subscription'
import type { Snapshot } from '../../answers.ts'
import type { ConnectionStatus } from './connection.ts'
import { type LiveBoard, startBoard } from './live-board.ts'
import { watchBoard } from './watch-board.ts'

export type LiveView = { board: LiveBoard; status: ConnectionStatus }

/** The board as the page came with it, and from hydration on as it is now. */
export function useLiveBoard(first: Snapshot): LiveView {
  const fallbackData: LiveView = { board: startBoard(first), status: { kind: 'connecting' } }
  const { data } = useSWRSubscription<LiveView, Error, string>(
    '/api/live',
    (url: string, { next }) =>
      watchBoard(url, fallbackData.board, (board, status) => next(null, { board, status })),
    { fallbackData },
  )
  return data ?? fallbackData
}
