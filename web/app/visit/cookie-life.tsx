import { countdown, lengthInWords } from '../figures/durations.ts'
import { useNow } from '../figures/use-now.ts'
import { useCookieHold } from './use-cookie-hold.ts'

type Props = {
  server: { srv_id: string; name: string }
  stickySeconds: number
}

/** How long the sticky cookie still leads to its server: for how long in the HTML, then counting down. */
export function CookieLife({ server, stickySeconds }: Props) {
  const hold = useCookieHold(server.srv_id, server.name, stickySeconds)
  const now = useNow()
  if (hold === undefined || now === null) {
    return <>sticky for {lengthInWords(stickySeconds)}</>
  }
  if (hold === null) return <>forgotten: the next visit may go to any server</>
  if (now >= hold.until) return <>run out: the next visit may go to any server</>
  const elsewhere = hold.srv_id !== server.srv_id
  return (
    <>
      sticky for {countdown(hold.until - now)}
      {elsewhere && `, now to ${hold.server}: another tab was sent there`}
    </>
  )
}
