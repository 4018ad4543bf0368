import { useFormats } from './use-formats.ts'
import { useHydrated } from './use-hydrated.ts'

type Props = { iso: string; to?: 'second' | 'millisecond' }

/** A time: UTC in the HTML, the reader's own from hydration on, with UTC at hand. */
export function Moment({ iso, to = 'millisecond' }: Props) {
  const formats = useFormats()
  const hydrated = useHydrated()
  const text = to === 'second' ? formats.second(iso) : formats.moment(iso)
  return (
    <time dateTime={iso} title={hydrated ? iso : undefined}>
      {text}
    </time>
  )
}
