import styles from './share-bar.module.css'

/** A share as a length; the figure stands beside it. The page's policy allows no inline styles, so it is a drawing. */
export function ShareBar({ thousandths }: { thousandths: number }) {
  return (
    <svg className={styles.bar} aria-hidden="true">
      <rect className={styles.whole} width="100%" height="100%" rx="3" />
      <rect className={styles.share} width={`${thousandths / 10}%`} height="100%" rx="3" />
    </svg>
  )
}
