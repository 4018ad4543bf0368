import type { HistoryRange } from '../../shared/api.ts'
import button from '../ui/button.module.css'
import hidden from '../ui/hidden.module.css'
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
