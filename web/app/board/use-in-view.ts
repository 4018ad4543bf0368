import { type RefObject, useEffect, useState } from 'react'

/** Whether an element is on the screen, or about to come onto it; true until the browser knows. */
export function useInView(element: RefObject<Element | null>): boolean {
  const [inView, setInView] = useState(true)
  useEffect(() => {
    const watch = new IntersectionObserver(entries => setInView(entries.at(-1)?.isIntersecting ?? true), {
      rootMargin: '25%',
    })
    if (element.current) watch.observe(element.current)
    return () => watch.disconnect()
  }, [element])
  return inView
}
