import type { ReactNode } from 'react'
import styles from './message.module.css'

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
