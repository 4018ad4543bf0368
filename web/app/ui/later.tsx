// What a panel does not show at first: content that a phone folds, and parts that load when they are needed.

import { type ReactNode, useId, useState } from 'react'
import ui from './ui.module.css'

type PhoneFoldProps = { label: string; className?: string | undefined; children: ReactNode }

/** Content that a phone folds behind a button. Wider windows, paper and pages without JavaScript show it, without the button. */
export function PhoneFold({ label, className = '', children }: PhoneFoldProps) {
  const id = useId()
  const [open, setOpen] = useState(false)
  return (
    <>
      <button
        type="button"
        className={`${ui.smallButton} ${ui.foldButton}`}
        aria-expanded={open}
        aria-controls={id}
        onClick={() => setOpen(!open)}
      >
        <span aria-hidden="true">{open ? '▾' : '▸'}</span>
        <span>{label}</span>
      </button>
      <div id={id} className={`${ui.fold} ${className}`} data-open={open ? '' : undefined}>
        {children}
      </div>
    </>
  )
}

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
