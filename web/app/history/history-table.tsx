import { useState } from 'react'
import type { History } from '../../shared/api.ts'
import { Moment } from '../ui/moment.tsx'
import { useFormats } from '../ui/use-formats.ts'
import styles from './history-table.module.css'
import { ranges } from './ranges.ts'
import { mostOf, type Series } from './series.ts'

type Props = { history: History; series: Series[]; totals: number[] }

/** The chart in figures, the most and then the newest first; made only when somebody opens it. */
export function HistoryTable({ history: { times, range }, series, totals }: Props) {
  const { whole } = useFormats()
  const [opened, setOpened] = useState(false)
  return (
    <details className={styles.details} onToggle={event => setOpened(event.currentTarget.open)}>
      <summary>As a table</summary>
      {opened && (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keyboard
        <section className={styles.scroll} aria-label="Hits over time, as a table" tabIndex={0}>
          <table className={styles.table}>
            <thead>
              <tr>
                <th scope="col">From</th>
                {series.map(({ key, name }) => (
                  <th key={key} scope="col">
                    {name}
                  </th>
                ))}
                <th scope="col">All</th>
              </tr>
            </thead>
            <tbody>
              <tr>
                <th scope="row">{`Most in ${ranges[range].bar}`}</th>
                {series.map(({ key, hits }) => (
                  <td key={key}>{whole(mostOf(hits))}</td>
                ))}
                <td>{whole(mostOf(totals))}</td>
              </tr>
              {times
                .map((time, at) => (
                  <tr key={time}>
                    <th scope="row">
                      <Moment iso={time} to="second" />
                    </th>
                    {series.map(({ key, hits }) => (
                      <td key={key}>{whole(hits[at] ?? 0)}</td>
                    ))}
                    <td>{whole(totals[at] ?? 0)}</td>
                  </tr>
                ))
                .reverse()}
            </tbody>
          </table>
        </section>
      )}
    </details>
  )
}
