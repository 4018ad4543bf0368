import type { VisitTexts } from '../../page/page-view.ts'
import { countdown, lengthInWords } from '../figures/durations.ts'
import { Moment } from '../figures/moment.tsx'
import { useNow } from '../figures/use-now.ts'
import { useCookieHold } from './use-cookie-hold.ts'

type Props = {
  visit: VisitTexts | null
  server: { srv_id: string; name: string }
  stickySeconds: number
}

/** How long the sticky cookie still leads to its server: from when for how long in the HTML, then counting down. */
export function CookieLife({ visit, server, stickySeconds }: Props) {
  const hold = useCookieHold(server.srv_id, server.name, stickySeconds)
  const now = useNow()
  if (hold === undefined || now === null) {
    return (
      <>
        {lengthInWords(stickySeconds)} from {visit ? <Moment iso={visit.at} to="second" /> : 'this answer'}
      </>
    )
  }
  if (hold === null) return <>Forgotten: the next visit may go to any server</>
  if (now >= hold.until) return <>Run out: the next visit may go to any server</>
  const elsewhere = hold.srv_id !== server.srv_id
  return (
    <>
      {countdown(hold.until - now)} left{elsewhere && `, now for ${hold.server}: another tab was sent there`}
    </>
  )
}
