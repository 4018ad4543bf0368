import type { HistoryRange } from '../../answers.ts'
import button from '../frame/button.module.css'
import hidden from '../frame/hidden.module.css'
import styles from './range-choice.module.css'
import { rangeNames, ranges } from './ranges.ts'

type Props = { range: HistoryRange; onChoose(range: HistoryRange): void }

/** How far back. */
export function RangeChoice({ range, onChoose }: Props) {
  return (
    <fieldset className={styles.choice}>
      <legend className={hidden.hidden}>How far back</legend>
      {rangeNames.map(name => (
        <button
          key={name}
          type="button"
          className={button.small}
          aria-pressed={name === range}
          onClick={() => onChoose(name)}
        >
          {ranges[name].label}
        </button>
      ))}
    </fieldset>
  )
}
