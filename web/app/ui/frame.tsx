// What several panels share: frames and buttons (this module), what a phone folds and what loads later (later.tsx), tables
// (table.tsx), names, colours and times (badges.tsx), formatted figures (formats.ts), settings in the page's address
// (address-bar.ts), hydration and visibility (page-lifecycle.ts), the theme (theme.ts) and scripts that run before React
// (page-scripts.tsx, script-sources.tsx). It imports from no panel.

import { type ReactNode, type Ref, useId } from 'react'
import ui from './ui.module.css'

type PanelProps = { title: string; note?: ReactNode; children: ReactNode }

/** A section of the page with a heading. */
export function Panel({ title, note, children }: PanelProps) {
  const id = useId()
  return (
    <section className={ui.panel} aria-labelledby={id}>
      <div className={ui.panelHead}>
        <h2 id={id}>{title}</h2>
        {note && <p className={ui.panelNote}>{note}</p>}
      </div>
      {children}
    </section>
  )
}

type ActionProps = {
  disabled?: boolean
  onPress(): void
  children: ReactNode
  className: string | undefined
  expanded?: boolean
  ref?: Ref<HTMLButtonElement>
}

/** A button that keeps the focus while it is disabled. */
export function Action({ disabled = false, onPress, children, className, expanded, ref }: ActionProps) {
  return (
    <button
      ref={ref}
      type="button"
      className={className}
      aria-disabled={disabled || undefined}
      aria-expanded={expanded}
      onClick={() => {
        if (!disabled) onPress()
      }}
    >
      {children}
    </button>
  )
}

/** A page with one message: what happened, and what the reader can do. */
export function Message({ title, children }: { title: string; children: ReactNode }) {
  return (
    <main className={ui.message}>
      <title>{`${title} · Balance Board`}</title>
      <h1>{title}</h1>
      {children}
    </main>
  )
}
