import { useState } from 'react'
import ui from './ui.module.css'

/** A part of the page that is loaded when it is needed. `part`: null until it has loaded. */
export type Later<Part> = {
  part: Part | null
  failed: boolean
  /** Loads it, also after a failure. It may be called again. */
  load(): void
}

/** `source` imports the module and picks the part of it. */
export function useLater<Part>(source: () => Promise<Part>): Later<Part> {
  // Wrapped, because React would call a component that is set as state.
  const [loaded, setLoaded] = useState<{ part: Part } | null>(null)
  const [failed, setFailed] = useState(false)
  function load(): void {
    setFailed(false)
    source().then(
      part => setLoaded({ part }),
      () => setFailed(true),
    )
  }
  return { part: loaded?.part ?? null, failed, load }
}

/** In the place of a part that could not be loaded. `name`: the sentence's first words. */
export function LoadFailed({ name, onRetry }: { name: string; onRetry(): void }) {
  return (
    <p role="alert">
      {`${name} could not be loaded. `}
      <button type="button" className={ui.smallButton} onClick={onRetry}>
        Try again
      </button>
    </p>
  )
}
