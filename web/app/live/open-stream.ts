import type { LiveTrouble, Snapshot } from '../../shared/api.ts'
import { isSnapshot, isTrouble, readAs } from './answer-guards.ts'
import type { Guard } from './guards.ts'
import { type NoPlace, takeStreamPlace } from './stream-place.ts'

export type StreamListener = {
  snapshot(snapshot: Snapshot): void
  change(change: Snapshot): void
  trouble(trouble: LiveTrouble): void
  /** nothing more will come */
  failed(): void
  /** this tab gets no stream now, and why */
  refused(why: NoPlace): void
}

/** Opens the live feed; the returned function closes it, after which the listener hears nothing more. */
export function openStream(url: string, listener: StreamListener): () => void {
  let source: EventSource | undefined
  let givePlaceBack: (() => void) | undefined
  let closed = false

  function close(): void {
    closed = true
    source?.close()
    givePlaceBack?.()
  }

  function fail(): void {
    if (closed) return
    close()
    listener.failed()
  }

  function open(): void {
    source = new EventSource(url)
    const hear = <T>(event: string, guard: Guard<T>, tell: (data: T) => void) =>
      source?.addEventListener(event, ({ data }) => {
        const read = readAs(guard, String(data))
        if (read === null) fail()
        else tell(read)
      })
    hear('snapshot', isSnapshot, listener.snapshot)
    hear('change', isSnapshot, listener.change)
    hear('trouble', isTrouble, listener.trouble)
    // It would try again by itself, at its own pace and not at all after some errors: see connection.ts instead.
    source.addEventListener('error', fail)
  }

  takeStreamPlace(fail).then(place => {
    if (typeof place === 'string') {
      if (!closed) listener.refused(place)
    } else if (closed) {
      place()
    } else {
      givePlaceBack = place
      open()
    }
  }, fail)

  return close
}
