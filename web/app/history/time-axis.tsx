import type { History } from '../../shared/api.ts'
import { labelledBars } from './clock-text.ts'
import { ranges } from './ranges.ts'
import styles from './time-axis.module.css'
import { useClock } from './use-clock.ts'

/** Times under the bars they are of. */
export function TimeAxis({ history: { times, range } }: { history: History }) {
  const clock = useClock()
  const labelled = labelledBars(times.length, ranges[range].labelEvery)
  const last = times.length - 1
  return (
    <svg className={styles.axis} aria-hidden="true">
      {labelled.map((at, place) => (
        <text
          key={at}
          x={`${(((at + 0.5) / times.length) * 100).toFixed(2)}%`}
          y="12"
          data-spare={(labelled.length - place) % 2 === 0 ? '' : undefined}
          textAnchor={times.length < 10 ? 'middle' : at === 0 ? 'start' : at === last ? 'end' : 'middle'}
        >
          {clock(times[at] ?? '')}
        </text>
      ))}
    </svg>
  )
}
