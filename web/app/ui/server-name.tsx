import colour from './hue.module.css'
import { hueAttributes } from './hue.ts'
import styles from './server-name.module.css'

type Props = {
  name: string
  /** place in the set of colours; undefined = a server no longer shown */
  hue: number | undefined
  /** to be read in full, on several lines if need be; else a long name ends in "…" */
  whole?: boolean
}

/** A server's name with its colour. */
export function ServerName({ name, hue, whole = false }: Props) {
  return (
    <span className={styles.name} title={whole ? undefined : name}>
      <span className={`${colour.hue} ${styles.swatch}`} {...hueAttributes(hue)} aria-hidden="true" />
      <span className={whole ? styles.whole : styles.text}>{name}</span>
    </span>
  )
}
