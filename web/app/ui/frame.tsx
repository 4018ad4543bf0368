import { type ReactNode, useId } from 'react'
import styles from './ui.module.css'

type PanelProps = { title: string; note?: ReactNode; children: ReactNode }

/** A band of the page: one idea, under its heading. */
export function Panel({ title, note, children }: PanelProps) {
  const id = useId()
  return (
    <section className={styles.panel} aria-labelledby={id}>
      <div className={styles.panelHead}>
        <h2 id={id}>{title}</h2>
        {note && <p className={styles.panelNote}>{note}</p>}
      </div>
      {children}
    </section>
  )
}

/** A page that only says one thing: what is so, and what can be done. */
export function Message({ title, children }: { title: string; children: ReactNode }) {
  return (
    <main className={styles.message}>
      <title>{`${title} · Balance Board`}</title>
      <h1>{title}</h1>
      {children}
    </main>
  )
}
