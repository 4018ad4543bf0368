import type { ReactNode } from 'react'
import styles from './fact.module.css'

type Props = {
  name: string
  /** two of these share a phone's width */
  short?: boolean
  children: ReactNode
}

/** One thing known, under its name. */
export function Fact({ name, short, children }: Props) {
  return (
    <div className={styles.fact} data-short={short}>
      <dt className={styles.name}>{name}</dt>
      <dd className={styles.value}>{children}</dd>
    </div>
  )
}
