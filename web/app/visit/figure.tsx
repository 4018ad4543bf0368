import type { ReactNode } from 'react'
import hidden from '../ui/hidden.module.css'
import styles from './figure.module.css'

type FigureProps = {
  name: string
  value: ReactNode
  /** the reader's own number, the largest thing on the page */
  yours?: boolean
  /** facts about it */
  children?: ReactNode
}

/** A figure under its name, and below it in small what is known of it. */
export function Figure({ name, value, yours, children }: FigureProps) {
  return (
    <dl className={styles.figure}>
      <dt className={styles.name}>{name}</dt>
      <dd className={yours ? styles.yours : styles.value}>{value}</dd>
      {children}
    </dl>
  )
}

type FactProps = {
  /** read out, not shown: the fact speaks for itself beside its figure */
  name: string
  /** may need a second line, which is kept free for it */
  long?: boolean
  children: ReactNode
}

export function Fact({ name, long, children }: FactProps) {
  return (
    <>
      <dt className={hidden.hidden}>{name}</dt>
      <dd className={long ? styles.long : styles.fact}>{children}</dd>
    </>
  )
}
