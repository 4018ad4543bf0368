import styles from './shape-mark.module.css'

export type Shape = 'full' | 'dotted' | 'half' | 'cross' | 'empty'

/** A state's shape. The word always stands beside it, so it is not read out. */
export function ShapeMark({ shape }: { shape: Shape }) {
  return (
    <svg className={styles.mark} viewBox="0 0 12 12" aria-hidden="true">
      {shape === 'full' && <circle cx="6" cy="6" r="5" fill="currentColor" />}
      {shape === 'half' && <path d="M6 1a5 5 0 0 0 0 10z" fill="currentColor" />}
      {shape === 'cross' && <path d="m2 2 8 8m0-8-8 8" className={styles.line} />}
      {shape === 'dotted' && (
        <circle cx="6" cy="6" r="4.25" className={styles.line} strokeDasharray="1.6 1.74" />
      )}
      {(shape === 'half' || shape === 'empty') && <circle cx="6" cy="6" r="4.25" className={styles.line} />}
    </svg>
  )
}
