import styles from './trunk.module.css'
import way from './way.module.css'

/** The line between visitors and NGINX, as wide as all traffic together. */
export function Trunk({ width }: { width: number }) {
  const attributes = { className: styles.line, strokeWidth: width }
  return (
    <svg className={styles.trunk} aria-hidden="true">
      <g className={way.lying}>
        <line x1="0" y1="50%" x2="100%" y2="50%" {...attributes} />
      </g>
      <g className={way.upright}>
        <line x1="20" y1="0" x2="20" y2="100%" {...attributes} />
      </g>
    </svg>
  )
}
