import { useRef, useState } from 'react'
import type { Snapshot } from '../../shared/api.ts'
import { ShapeMark } from '../ui/shape-mark.tsx'
import { useHydrated } from '../ui/use-hydrated.ts'
import styles from './audit-badge.module.css'
import { AuditDialog } from './audit-dialog.tsx'
import { addsUp } from './consistency.ts'

/** Says whether the figures shown agree, and opens the audit. Without JavaScript it leads to the audit's own answer. */
export function AuditBadge({ snapshot }: { snapshot: Snapshot }) {
  const dialog = useRef<HTMLDialogElement>(null)
  const [opened, setOpened] = useState(false)
  const exact = addsUp(snapshot)
  const words = exact ? (
    <span key="exact">Exact ✓</span>
  ) : (
    <span key="not equal">
      <ShapeMark shape="cross" /> Not equal
    </span>
  )
  if (!useHydrated()) {
    return (
      <a href="/api/audit" className={styles.badge} data-bad={exact ? undefined : ''}>
        {words}
      </a>
    )
  }
  function open() {
    setOpened(true)
    dialog.current?.showModal()
  }
  return (
    <>
      <button
        type="button"
        className={styles.badge}
        data-bad={exact ? undefined : ''}
        aria-haspopup="dialog"
        title={
          exact ? 'The servers’ hits add up to the counter' : 'The servers’ hits do not add up to the counter'
        }
        onClick={open}
      >
        {words}
      </button>
      <AuditDialog ref={dialog} opened={opened} onClose={() => setOpened(false)} />
    </>
  )
}
