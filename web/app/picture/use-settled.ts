import { useEffect, useState } from 'react'

/**
 * What it was a while ago: figures tick when the dots have landed, not when they leave. The next value's coming counts
 * as that too, so that the page is drawn once for both.
 */
export function useSettled<T>(value: T, ms: number): T {
  const [latest, setLatest] = useState(value)
  const [settled, setSettled] = useState(value)
  if (latest !== value) {
    setLatest(() => value)
    setSettled(() => latest)
  }
  useEffect(() => {
    const timer = setTimeout(() => setSettled(() => value), ms)
    return () => clearTimeout(timer)
  }, [value, ms])
  return settled
}
