// The token of control, with which a reader may drain, restart and kill servers. It arrives in the fragment of the page's address,
// as in the link that `npm start` prints: browsers do not send a fragment. It is kept for this tab and removed from the address.

import { useSyncExternalStore } from 'react'
import { adminTokenPattern } from '../../shared/limits.ts'

const storageKey = 'balance-board token'

/** undefined until the page runs in the browser */
let current: string | null | undefined
/** what the reader must know about it; empty = nothing */
let notice = ''
const listeners = new Set<() => void>()

/** The token of this tab; null without one, and on the server, whose page is the same for everyone. */
export function useControlToken(): string | null {
  return useSyncExternalStore(
    subscribe,
    () => current ?? null,
    () => null,
  )
}

/** Why there is no token any more, in words; else empty. */
export function useControlNotice(): string {
  return useSyncExternalStore(
    subscribe,
    () => notice,
    () => '',
  )
}

/** Ends control in this tab. `words` tell the reader why. */
export function forgetToken(words: string): void {
  current = null
  notice = words
  try {
    sessionStorage.removeItem(storageKey)
  } catch {
    // Storage is forbidden: nothing was stored.
  }
  for (const onChange of listeners) onChange()
}

function subscribe(onChange: () => void): () => void {
  const take = () => {
    current = takeFromAddress() ?? current ?? stored()
    onChange()
  }
  take()
  listeners.add(onChange)
  addEventListener('hashchange', take)
  return () => {
    listeners.delete(onChange)
    removeEventListener('hashchange', take)
  }
}

/** The token in a fragment; null if it has none. */
export function tokenIn(fragment: string): string | null {
  const [, token = ''] = /^#token=(.*)$/.exec(fragment) ?? []
  return adminTokenPattern.test(token) ? token : null
}

function takeFromAddress(): string | null {
  if (!location.hash.startsWith('#token=')) return null
  const token = tokenIn(location.hash)
  history.replaceState(history.state, '', location.pathname + location.search)
  notice = token === null ? 'The token in this link is not valid.' : ''
  if (token !== null) store(token)
  return token
}

function store(token: string): void {
  try {
    sessionStorage.setItem(storageKey, token)
  } catch {
    // Storage is forbidden: the token lasts until the reader leaves the page.
  }
}

function stored(): string | null {
  try {
    return tokenIn(`#token=${sessionStorage.getItem(storageKey)}`)
  } catch {
    return null
  }
}
