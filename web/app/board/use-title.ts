import { useEffect } from 'react'

/** The tab's title, once the page runs in the browser. */
export function useTitle(title: string): void {
  useEffect(() => {
    document.title = title
  }, [title])
}
