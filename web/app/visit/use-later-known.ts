import { useState } from 'react'
import type { ServerRow } from '../../answers.ts'
import type { VisitTexts } from '../../page/page-view.ts'
import { useHydrated } from '../figures/use-hydrated.ts'
import { movedText } from './moved-text.ts'

/**
 * What the board came to know of a move after the page was answered: that the former server, up by its last sign then,
 * gave no other and is lost. Kept when that server is no longer shown; null until there is such news.
 */
export function useLaterKnown(visit: VisitTexts, server: string, servers: ServerRow[]): string | null {
  const hydrated = useHydrated()
  const [known, setKnown] = useState<string | null>(null)
  const from = servers.find(({ srv_id }) => srv_id === visit.cookie)
  if (hydrated && known === null && from?.state === 'lost' && from.last_seen_at < visit.at) {
    const text = movedText(from, server, visit.at)
    if (text !== visit.moved_text) setKnown(text)
  }
  return known
}
