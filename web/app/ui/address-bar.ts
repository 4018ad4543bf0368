import { useSyncExternalStore } from 'react'

const changes = new EventTarget()

/**
 * A setting in the page's address, so that a view can be shared; empty if it is not set. Always empty on the server, whose
 * page is the same for everyone. Setting it makes no history entry and no visit.
 */
export function useUrlParameter(name: string): [string, (value: string) => void] {
  const value = useSyncExternalStore(
    subscribe,
    () => parameterOf(location.href, name),
    () => '',
  )
  return [value, next => setUrlParameters({ [name]: next })]
}

/** The query of the page's address, for what reads several settings from it. Empty on the server. */
export function useUrlQuery(): string {
  return useSyncExternalStore(
    subscribe,
    () => location.search,
    () => '',
  )
}

/** Sets these settings, and removes those with an empty value. No history entry, no visit. */
export function setUrlParameters(values: Record<string, string>): void {
  const href = Object.entries(values).reduce(
    (address, [name, value]) => withParameter(address, name, value),
    location.href,
  )
  history.replaceState(history.state, '', href)
  changes.dispatchEvent(new Event('change'))
}

function subscribe(onChange: () => void): () => void {
  changes.addEventListener('change', onChange)
  addEventListener('popstate', onChange)
  return () => {
    changes.removeEventListener('change', onChange)
    removeEventListener('popstate', onChange)
  }
}

/** The address with this parameter set, or removed if the value is empty. Other parameters do not change. */
export function withParameter(href: string, name: string, value: string): string {
  const url = new URL(href)
  if (value === '') url.searchParams.delete(name)
  else url.searchParams.set(name, value)
  return url.href
}

export function parameterOf(href: string, name: string): string {
  return new URL(href).searchParams.get(name) ?? ''
}
