import button from '../ui/button.module.css'

/** Asks for the page anew: one more visit. */
export function VisitAgain() {
  return (
    // biome-ignore lint/a11y/useValidAnchor: this very address, with the range and the rows chosen in it
    <a href="" className={`${button.button} ${button.first}`}>
      Visit again
    </a>
  )
}
