import type { History } from '../../answers.ts'
import { labelledBars } from './clock-text.ts'
import { ranges } from './ranges.ts'
import styles from './time-axis.module.css'
import { useClock } from './use-clock.ts'

/** Times under the bars they are of. */
export function TimeAxis({ history: { times, range } }: { history: History }) {
  const clock = useClock()
  const last = times.length - 1
  return (
    <svg className={styles.axis} aria-hidden="true">
      {labelledBars(times.length, ranges[range].labelEvery).map(at => (
        <text
          key={at}
          x={`${(((at + 0.5) / times.length) * 100).toFixed(2)}%`}
          y="12"
          textAnchor={times.length < 10 ? 'middle' : at === 0 ? 'start' : at === last ? 'end' : 'middle'}
        >
          {clock(times[at] ?? '')}
        </text>
      ))}
    </svg>
  )
}
