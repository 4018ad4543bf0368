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
