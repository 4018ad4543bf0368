import styles from './server-name.module.css'

/** How many colours there are; after that they come again as a ring. */
const colours = 7

type Props = {
  name: string
  /** place in the set of colours; undefined = a server no longer shown */
  hue: number | undefined
}

/** A server's name with its colour. */
export function ServerName({ name, hue }: Props) {
  return (
    <span className={styles.name}>
      <span
        className={styles.swatch}
        data-hue={hue === undefined ? undefined : hue % colours}
        data-ring={hue !== undefined && Math.floor(hue / colours) % 2 === 1 ? '' : undefined}
        aria-hidden="true"
      />
      <span className={styles.text}>{name}</span>
    </span>
  )
}
