/** Whether a person can see this page: not in a hidden tab, nor made in advance and not yet come to. */
export function isTabAwake(): boolean {
  return document.visibilityState === 'visible' && !('prerendering' in document && document.prerendering)
}

/** Calls back whenever that may have changed, until the returned function is called. */
export function onTabAwakeChange(changed: () => void): () => void {
  const events = ['visibilitychange', 'prerenderingchange']
  for (const event of events) document.addEventListener(event, changed)
  return () => {
    for (const event of events) document.removeEventListener(event, changed)
  }
}
