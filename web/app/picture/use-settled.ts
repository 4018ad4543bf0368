import { useEffect, useState } from 'react'

/** What it was that many ms ago: figures tick when the dots have landed, not when they leave. */
export function useSettled<T>(value: T, ms: number): T {
  const [settled, setSettled] = useState(value)
  useEffect(() => {
    // Not called off by the next value: values come faster than they settle.
    setTimeout(() => setSettled(() => value), ms)
  }, [value, ms])
  return settled
}
