import colour from './hue.module.css'
import { hueAttributes } from './hue.ts'
import styles from './server-name.module.css'

type Props = {
  name: string
  /** place in the set of colours; undefined = a server no longer shown */
  hue: number | undefined
}

/** A server's name with its colour. */
export function ServerName({ name, hue }: Props) {
  return (
    <span className={styles.name}>
      <span className={`${colour.hue} ${styles.swatch}`} {...hueAttributes(hue)} aria-hidden="true" />
      <span className={styles.text}>{name}</span>
    </span>
  )
}
