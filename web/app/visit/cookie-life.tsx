import { countdown, lengthInWords } from '../../shared/durations.ts'
import { useNow } from '../ui/use-now.ts'
import type { CookieNews } from './cookie-hold.ts'
import { useCookieHold } from './use-cookie-hold.ts'

type Props = {
  server: { srv_id: string; name: string }
  stickySeconds: number
}

/** How long the sticky cookie still leads to its server: for how long in the HTML, then counting down. */
export function CookieLife({ server, stickySeconds }: Props) {
  const hold = useCookieHold(server.srv_id, server.name, stickySeconds)
  const now = useNow()
  const isKnown = hold !== undefined && now !== null
  return (
    <span>
      {isKnown ? cookieLifeText(hold, server.srv_id, now) : `sticky for ${lengthInWords(stickySeconds)}`}
    </span>
  )
}

function cookieLifeText(hold: CookieNews | 'blocked', srvId: string, now: number): string {
  if (hold === 'blocked') return 'not kept: your browser blocks cookies, so any server may answer next'
  if (hold === null) return 'forgotten: the next visit may go to any server'
  if (now >= hold.until) return 'run out: the next visit may go to any server'
  const elsewhere = hold.srv_id === srvId ? '' : `, now to ${hold.server}: another tab was sent there`
  return `sticky for ${countdown(hold.until - now)}${elsewhere}`
}
