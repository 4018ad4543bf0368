import styles from './server-ink.module.css'

/** How many colours there are; after that they come again with a second mark. */
const colours = 7

/** What gives an element a server's colour as `--hue`, and `data-ring` for the second mark. */
export type ServerInk = {
  className: string
  'data-hue': number | undefined
  'data-ring': '' | undefined
}

/** `hue`: place in the set of colours; undefined = a server no longer shown, in grey. */
export function serverInk(hue: number | undefined, className = ''): ServerInk {
  return {
    className: `${styles.ink} ${className}`,
    'data-hue': hue === undefined ? undefined : hue % colours,
    'data-ring': hue !== undefined && Math.floor(hue / colours) % 2 === 1 ? '' : undefined,
  }
}
