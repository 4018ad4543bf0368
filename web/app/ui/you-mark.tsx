import styles from './you-mark.module.css'

/** Says that this is the reader's. */
export function YouMark({ children }: { children: string }) {
  return <span className={styles.mark}>{children}</span>
}
