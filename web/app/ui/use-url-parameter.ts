import { useSyncExternalStore } from 'react'
import { parameterOf, withParameter } from './url-parameter.ts'

const changes = new EventTarget()

/**
 * A setting that stands in the address, so that a view can be shared. Empty on the server, whose page is the same for
 * all. Setting it makes no history entry and no visit.
 */
export function useUrlParameter(name: string): [string, (value: string) => void] {
  const value = useSyncExternalStore(
    subscribe,
    () => parameterOf(location.href, name),
    () => '',
  )
  return [value, next => setParameter(name, next)]
}

function setParameter(name: string, value: string): void {
  history.replaceState(history.state, '', withParameter(location.href, name, value))
  changes.dispatchEvent(new Event('change'))
}

function subscribe(changed: () => void): () => void {
  changes.addEventListener('change', changed)
  addEventListener('popstate', changed)
  return () => {
    changes.removeEventListener('change', changed)
    removeEventListener('popstate', changed)
  }
}
