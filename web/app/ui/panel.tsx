import { type ReactNode, useId } from 'react'
import styles from './panel.module.css'

type Props = { title: string; note?: ReactNode; children: ReactNode }

/** A band of the page: one idea, under its heading. */
export function Panel({ title, note, children }: Props) {
  const id = useId()
  return (
    <section className={styles.panel} aria-labelledby={id}>
      <div className={styles.head}>
        <h2 id={id}>{title}</h2>
        {note && <p className={styles.note}>{note}</p>}
      </div>
      {children}
    </section>
  )
}
