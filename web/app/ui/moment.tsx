import { localTimes, type Times } from '../../shared/times.ts'
import { useHydrated } from './use-hydrated.ts'

type Props = {
  iso: string
  /** what stands in the HTML: UTC */
  plain?: string
  to?: keyof Times
}

let local: Times | undefined

/** A time: UTC in the HTML, the reader's own from hydration on, with UTC at hand. */
export function Moment({ iso, plain = iso, to = 'moment' }: Props) {
  if (!useHydrated()) return <time dateTime={iso}>{plain}</time>
  local ??= localTimes()
  return (
    <time dateTime={iso} title={iso}>
      {local[to](iso)}
    </time>
  )
}
