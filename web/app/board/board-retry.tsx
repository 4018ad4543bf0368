import { Component, type ReactNode, useEffectEvent, useLayoutEffect } from 'react'
import { Message } from '../ui/frame.tsx'
import ui from '../ui/ui.module.css'

/** A board that fails within this time after it was mounted, in ms, may fail again. */
const soonMs = 1000
/** This many failures in a row are retried immediately. */
const immediateRetries = 3
/** Later retries wait, in ms: twice as long after each failure, up to the longest pause. */
const firstPauseMs = 1000
const longestPauseMs = 30_000

let mountedAt = Number.NEGATIVE_INFINITY
/** failures in a row, each soon after the mount */
let failures = 0

/** ms until the board is mounted again. */
function pauseBeforeNext(now: number): number {
  failures = now - mountedAt < soonMs ? failures + 1 : 0
  if (failures < immediateRetries) return 0
  return Math.min(firstPauseMs * 2 ** (failures - immediateRetries), longestPauseMs)
}

type Props = { children: ReactNode }

/**
 * Software that changes the page, for example a translator, can break the board, and break it again with the next change. So
 * the board mounts again by itself, which is not a visit. Next's own boundary, error.tsx, would add its script, its styles and what
 * names them to every page.
 */
export class BoardRetry extends Component<Props, { failed: boolean }> {
  override state = { failed: false }

  static getDerivedStateFromError() {
    return { failed: true }
  }

  override render() {
    return this.state.failed ? (
      <BoardFailed onRetry={() => this.setState({ failed: false })} />
    ) : (
      this.props.children
    )
  }
}

/** The reader sees this only if mounting again does not help. */
function BoardFailed({ onRetry }: { onRetry(): void }) {
  const retry = useEffectEvent(() => {
    mountedAt = performance.now()
    onRetry()
  })
  // A layout effect runs before the browser paints this.
  useLayoutEffect(() => {
    const pauseMs = pauseBeforeNext(performance.now())
    if (pauseMs === 0) return retry()
    const timer = setTimeout(() => retry(), pauseMs)
    return () => clearTimeout(timer)
  }, [])
  return (
    <Message title="The board could not be shown">
      <p>
        Something in this page failed. What has been counted stays counted. The page tries again by itself;
        loading it again is a new visit.
      </p>
      <button type="button" className={ui.button} onClick={() => location.reload()}>
        Load again
      </button>
    </Message>
  )
}
