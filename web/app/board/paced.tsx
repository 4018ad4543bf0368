import { type ReactNode, useRef, useState } from 'react'
import type { Snapshot } from '../../shared/api.ts'
import { useInView } from './use-in-view.ts'

/** ms between two drawings of what nobody sees. */
const unseenMs = 1900

type Props = { snapshot: Snapshot; className?: string | undefined; children(snapshot: Snapshot): ReactNode }

/**
 * Gives its content new figures as they come while it is on the screen, and every two seconds while it is not: drawing
 * costs as much there. The content is to be memoised.
 */
export function Paced({ snapshot, className, children }: Props) {
  const box = useRef<HTMLDivElement>(null)
  const inView = useInView(box)
  const [shown, setShown] = useState(snapshot)
  const due = inView || Math.abs(Date.parse(snapshot.at) - Date.parse(shown.at)) >= unseenMs
  if (due && shown !== snapshot) setShown(snapshot)
  return (
    <div ref={box} className={className}>
      {children(shown)}
    </div>
  )
}
