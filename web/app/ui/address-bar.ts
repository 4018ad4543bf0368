import { useSyncExternalStore } from 'react'

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

/** The address with that parameter set, or without it when the value is empty; the others stay as they are. */
export function withParameter(href: string, name: string, value: string): string {
  const url = new URL(href)
  if (value === '') url.searchParams.delete(name)
  else url.searchParams.set(name, value)
  return url.href
}

/** What the address says under that name; empty when it says nothing. */
export function parameterOf(href: string, name: string): string {
  return new URL(href).searchParams.get(name) ?? ''
}
