// Requests to the API, and the answers that panels show: read at first, again periodically while the tab is visible, and again
// after a failure. Panels that show the same answer share one request. What comes by the live feed is in live-board.ts.

import { useEffect, useEffectEvent, useRef, useState } from 'react'
import { isErrorAnswer, isHistory, isSnapshot, type Snapshot } from '../../shared/api.ts'
import { type Guard, readAs } from '../../shared/guards.ts'
import type { HistoryRange } from '../../shared/limits.ts'
import { isTabVisible, onTabVisibleChange } from '../ui/page-lifecycle.ts'

/** An unusable answer; the reader sees the message. `code`: of an error answer; else empty. */
export class AnswerRefused extends Error {
  readonly code: string

  constructor(message: string, code: string) {
    super(message)
    this.code = code
  }
}

/** @throws AnswerRefused, or what `fetch` throws if there is no answer within `timeoutMs` */
export async function fetchAnswer<T>(
  guard: Guard<T>,
  url: string,
  timeoutMs = 10_000,
  init: RequestInit = {},
): Promise<T> {
  const answer = await fetch(url, { ...init, cache: 'no-store', signal: AbortSignal.timeout(timeoutMs) })
  const text = await answer.text()
  const value = answer.ok ? readAs(guard, text) : null
  if (value !== null) return value
  const { message, code } = readAs(isErrorAnswer, text)?.error ?? {
    message: `No answer that can be read (${answer.status}).`,
    code: '',
  }
  throw new AnswerRefused(message, code)
}

/** `database away`: a server answers, but its database does not. @throws as fetchAnswer, after 4 s */
export async function fetchSnapshot(): Promise<Snapshot | 'database away'> {
  try {
    return await fetchAnswer(isSnapshot, '/api/snapshot', 4000)
  } catch (error) {
    if (error instanceof AnswerRefused && error.code === 'database_unavailable') return 'database away'
    throw error
  }
}

/** `data`: the last answer that could be read. `error`: why the newest could not. */
export type Answer<T> = {
  data: T | undefined
  error: Error | undefined
  /** there is no answer yet, or the reader wanted a new one */
  loading: boolean
}

type Follower<T> = {
  /** ms until the next request, after so many failures in a row; null = none */
  nextMs(failures: number): number | null
  changed(answer: Answer<T>): void
}

type Following = {
  /** Requests a new answer now. An answer under way is dropped. */
  again(): void
  /** The follower's `nextMs` has changed. */
  reschedule(): void
  stop(): void
}

/** Whether requests make sense. `follow` reports when that may have changed, until the returned function is called. */
type Tab = { isVisible(): boolean; follow(onChange: () => void): () => void }

const thisTab: Tab = {
  isVisible: isTabVisible,
  follow(onChange) {
    const unfollow = onTabVisibleChange(onChange)
    addEventListener('online', onChange)
    return () => {
      unfollow()
      removeEventListener('online', onChange)
    }
  },
}

/** The answers of one kind, by what was requested. The last one stays: it is shown until a newer one comes. */
export class Answers<Key, T> {
  readonly #read: (key: Key) => Promise<T>
  readonly #tab: Tab
  readonly #known = new Map<string, FollowedAnswer<T>>()

  constructor(read: (key: Key) => Promise<T>, tab = thisTab) {
    this.#read = read
    this.#tab = tab
  }

  follow(key: Key, follower: Follower<T>): Following {
    const text = JSON.stringify(key)
    const answer = this.#known.get(text) ?? new FollowedAnswer(() => this.#read(key), this.#tab)
    this.#known.set(text, answer)
    answer.add(follower)
    return {
      again: () => answer.again(),
      reschedule: () => answer.schedule(),
      stop: () => answer.remove(follower),
    }
  }
}

class FollowedAnswer<T> {
  readonly #read: () => Promise<T>
  readonly #tab: Tab
  readonly #followers = new Set<Follower<T>>()
  #answer: Answer<T> = { data: undefined, error: undefined, loading: true }
  #failures = 0
  /** Grows with every request: an answer to an earlier one is dropped. */
  #run = 0
  #isRunning = false
  /** A request is due as soon as the tab is visible. */
  #isDue = true
  #timer: ReturnType<typeof setTimeout> | undefined
  #unfollowTab = () => {}

  constructor(read: () => Promise<T>, tab: Tab) {
    this.#read = read
    this.#tab = tab
  }

  add(follower: Follower<T>): void {
    this.#followers.add(follower)
    follower.changed(this.#answer)
    if (this.#followers.size === 1) this.#unfollowTab = this.#tab.follow(() => this.#proceed())
    if (this.#isDue) this.#proceed()
    else this.schedule()
  }

  remove(follower: Follower<T>): void {
    this.#followers.delete(follower)
    if (this.#followers.size > 0) return
    this.#unfollowTab()
    this.#cancelTimer()
    this.#run++
    this.#isRunning = false
    // For the next follower.
    this.#isDue = true
    this.#failures = 0
    this.#answer = { ...this.#answer, error: undefined, loading: this.#answer.data === undefined }
  }

  again(): void {
    this.#set({ ...this.#answer, loading: true })
    void this.#request()
  }

  schedule(): void {
    if (this.#isRunning || this.#isDue) return
    this.#cancelTimer()
    const delays = [...this.#followers].flatMap(({ nextMs }) => nextMs(this.#failures) ?? [])
    if (delays.length === 0) return
    const wait = () => {
      this.#timer = undefined
      this.#isDue = true
      this.#proceed()
    }
    this.#timer = setTimeout(wait, Math.min(...delays))
  }

  /** The tab became visible, or the network came back: a request that is due, or was to be tried again, starts now. */
  #proceed(): void {
    const isRetry = this.#failures > 0 && this.#timer !== undefined
    if (this.#tab.isVisible() && (this.#isDue || isRetry)) void this.#request()
  }

  async #request(): Promise<void> {
    const run = ++this.#run
    this.#cancelTimer()
    this.#isDue = false
    this.#isRunning = true
    const [data, error] = await this.#read().then(
      data => [data, undefined] as const,
      reason => [this.#answer.data, reason instanceof Error ? reason : new Error(String(reason))] as const,
    )
    if (run !== this.#run) return
    this.#isRunning = false
    this.#failures = error ? this.#failures + 1 : 0
    this.#set({ data, error, loading: false })
    this.schedule()
  }

  #cancelTimer(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
  }

  #set(answer: Answer<T>): void {
    this.#answer = answer
    for (const follower of this.#followers) follower.changed(answer)
  }
}

type Options = {
  /** ms from an answer to the next request; null = there is none */
  everyMs?: number | null
  /** ms until a failed request is made again, after so many failures in a row; null = it is not */
  retryMs?(failures: number): number | null
}

const retrySoon = (failures: number) => Math.min(1000 * 2 ** (failures - 1), 8000)

const nothing = { of: null, data: undefined, error: undefined, loading: false }

/**
 * The answer for `key`; null = none is wanted. While the first answer for a key is loading, the data of the key before stays.
 * `again` requests a new one now.
 */
export function useAnswer<Key, T>(
  answers: Answers<Key, T>,
  key: Key | null,
  { everyMs = null, retryMs = retrySoon }: Options = {},
): Answer<T> & { again(): void } {
  const wanted = key === null ? null : JSON.stringify(key)
  const [known, setKnown] = useState<Answer<T> & { of: string | null }>(nothing)
  const following = useRef<Following>(null)
  const nextMs = useEffectEvent((failures: number) => (failures === 0 ? everyMs : retryMs(failures)))
  const follow = useEffectEvent(() => {
    if (key === null) return setKnown(before => (before.of === null ? before : nothing))
    following.current = answers.follow(key, {
      nextMs,
      changed: answer => setKnown(({ data }) => ({ ...answer, data: answer.data ?? data, of: wanted })),
    })
  })
  useEffect(() => {
    follow()
    return () => {
      following.current?.stop()
      following.current = null
    }
  }, [wanted])
  useEffect(() => following.current?.reschedule(), [everyMs])
  const shown = known.of === wanted ? known : { ...nothing, data: known.data, loading: true }
  return { ...(wanted === null ? nothing : shown), again: () => following.current?.again() }
}

/** The history of each range. The chart and the picture share it. */
export const histories = new Answers((range: HistoryRange) =>
  fetchAnswer(isHistory, `/api/history?range=${range}`),
)
