import type { Audit } from '../../shared/api.ts'
import { useFormats } from '../ui/formats.ts'
import styles from './audit.module.css'
import { auditTerms } from './consistency.ts'

/** The audit's figures, one a line; each says whether it equals the first. */
export function Equation({ audit }: { audit: Audit }) {
  const { whole } = useFormats()
  const terms = auditTerms(audit)
  return (
    <>
      <ol className={styles.terms}>
        {terms.map(({ name, value, parts, equal }, place) => (
          <li key={name} className={styles.term} data-bad={equal ? undefined : ''}>
            <span className={styles.sign}>{place > 0 && (equal ? '=' : '≠')}</span>
            <span className={styles.value}>{whole(value)}</span>
            <span>
              {name}
              {parts && (
                <span className={styles.parts}>
                  {parts.map(part => `${whole(part.value)} ${part.name}`).join(' + ')}
                </span>
              )}
            </span>
          </li>
        ))}
      </ol>
      <p className={styles.verdict} data-bad={audit.consistent ? undefined : ''}>
        {audit.consistent ? 'All are equal ✓' : 'They are not equal ✕'}
      </p>
    </>
  )
}
