import type { History } from '../../shared/api.ts'
import { ServerName } from '../ui/server-name.tsx'
import { useFormats } from '../ui/use-formats.ts'
import styles from './legend.module.css'
import { ranges } from './ranges.ts'
import { mostOf, type Series } from './series.ts'
import { useClock } from './use-clock.ts'

type Props = {
  history: History
  series: Series[]
  totals: number[]
  /** the bar whose figures are shown; null = all bars together */
  at: number | null
}

const sum = (hits: number[]) => hits.reduce((all, count) => all + count, 0)

/** Whose colour is which, with figures: of the whole range, or of one bar; and the highest bar of each. */
export function Legend({ history: { times, range }, series, totals, at }: Props) {
  const { whole } = useFormats()
  const clock = useClock()
  const figure = (hits: number[]) => whole(at === null ? sum(hits) : (hits[at] ?? 0))
  return (
    <ul className={styles.legend}>
      <li className={styles.of}>
        <span>{at === null ? `Last ${ranges[range].label}` : `From ${clock(times[at] ?? '')}`}</span>
        <b>{figure(totals)}</b>
      </li>
      <li className={styles.most}>
        <span>{`most in ${ranges[range].bar}`}</span>
        <b>{whole(mostOf(totals))}</b>
      </li>
      {series.map(({ key, name, hue, hits }) => (
        <li key={key}>
          <ServerName name={name} hue={hue} />
          <b>{figure(hits)}</b>
          <span className={styles.own}>{`most ${whole(mostOf(hits))}`}</span>
        </li>
      ))}
    </ul>
  )
}
