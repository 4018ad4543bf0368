import { useState } from 'react'
import type { ServerRow } from '../../shared/api.ts'
import { movedText } from '../../shared/moved-text.ts'
import type { VisitTexts } from '../../shared/page-view.ts'
import { notRecorded } from '../../shared/why-not-reached.ts'
import { useHydrated } from '../ui/use-hydrated.ts'

/**
 * What the board came to know of a move after the page was answered: that the former server, up by its last sign then,
 * gave no other and is lost, or was started anew. Kept when it is no longer shown; null until there is such news.
 */
export function useLaterKnown(visit: VisitTexts, server: string, servers: ServerRow[]): string | null {
  const hydrated = useHydrated()
  const [known, setKnown] = useState<string | null>(null)
  const from = servers.find(({ srv_id }) => srv_id === visit.cookie)
  // Of one that stopped it is not known whether that was before the visit.
  const mayTell = from !== undefined && from.state !== 'stopped'
  if (hydrated && known === null && mayTell && visit.moved_text.includes(notRecorded)) {
    const text = movedText(from, server, visit.at)
    if (!text.includes(notRecorded)) setKnown(text)
  }
  return known
}
