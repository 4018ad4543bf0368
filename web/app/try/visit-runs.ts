import { useEffect, useRef, useState } from 'react'
import { isErrorAnswer, isVisitAnswer, type ServerRow } from '../../shared/api.ts'
import { readAs } from '../../shared/guards.ts'
import { tellOtherTabs } from '../visit/sticky-cookie.ts'

/** The cookie that a run's visits send. */
export type CookieChoice = 'own' | 'none'

export const visitsARun = 60
const atOnce = 6

/** The last run of each kind; null before the first. `ended`: the kind of the last run, once it has ended. Only one runs at a time, and it ends with the page. */
export function useVisitRuns(stickySeconds: number) {
  const [tallies, setTallies] = useState<Record<CookieChoice, Tally | null>>({ own: null, none: null })
  const [running, setRunning] = useState<CookieChoice | null>(null)
  const [ended, setEnded] = useState<CookieChoice | null>(null)
  const stop = useRef<AbortController>(null)
  useEffect(() => () => stop.current?.abort(), [])

  async function start(cookie: CookieChoice): Promise<void> {
    const run = new AbortController()
    stop.current = run
    setRunning(cookie)
    setEnded(null)
    setTallies(known => ({ ...known, [cookie]: emptyTally }))
    const onOutcome = (outcome: VisitOutcome) => {
      setTallies(known => ({ ...known, [cookie]: withOutcome(known[cookie] ?? emptyTally, outcome) }))
      // The visit renewed the cookie: the countdown must know.
      if (cookie === 'own' && outcome.kind === 'answered') {
        const { srv_id, server } = outcome
        tellOtherTabs({ srv_id, server, until: Date.now() + stickySeconds * 1000 })
      }
    }
    const credentials = cookie === 'own' ? 'include' : 'omit'
    const visit = (signal: AbortSignal) => visitOnce(credentials, signal)
    await sendVisits({ count: visitsARun, atOnce, visit, onOutcome, signal: run.signal })
    setRunning(null)
    setEnded(cookie)
  }

  return { tallies, running, ended, start, cancel: () => stop.current?.abort() }
}

type Run = {
  count: number
  /** maximum number of visits in flight */
  atOnce: number
  visit(signal: AbortSignal): Promise<VisitOutcome>
  onOutcome(outcome: VisitOutcome): void
  signal: AbortSignal
}

/**
 * Sends `count` visits. After an abort no more are sent, and those in flight are cancelled. The first visit goes alone: if the
 * cookie has expired, it brings a new one for the others.
 */
export async function sendVisits({ count, atOnce, visit, onOutcome, signal }: Run): Promise<void> {
  let sent = 0
  async function one(): Promise<void> {
    sent++
    onOutcome(await visit(signal))
  }
  async function lane(): Promise<void> {
    while (sent < count && !signal.aborted) await one()
  }
  if (count > 0 && !signal.aborted) await one()
  await Promise.all(Array.from({ length: atOnce }, lane))
}

/** A page view takes at most 2 s, and NGINX may try it twice. */
const timeoutMs = 8000

/** Codes of a replica that does not know the outcome of its commit, and of NGINX when a replica did not answer. */
const inDoubtCodes = ['outcome_unknown', 'no_answer']

/** Requests the page as JSON, with or without the browser's cookies: one hit. */
async function visitOnce(credentials: 'include' | 'omit', signal: AbortSignal): Promise<VisitOutcome> {
  try {
    const answer = await fetch('/', {
      credentials,
      cache: 'no-store',
      headers: { Accept: 'application/json' },
      signal: endsWith(signal, timeoutMs),
    })
    const earlierTry = answer.headers.get('X-Earlier-Try')
    return outcomeOf(answer.ok, await answer.text(), earlierTry !== null)
  } catch {
    return { kind: 'unknown' }
  }
}

/** Follows `signal`, and aborts after `timeout` ms. Browsers of 2023 lack `AbortSignal.any`. */
function endsWith(signal: AbortSignal, timeout: number): AbortSignal {
  const either = new AbortController()
  for (const source of [signal, AbortSignal.timeout(timeout)]) {
    if (source.aborted) either.abort(source.reason)
    source.addEventListener('abort', () => either.abort(source.reason), { signal: either.signal })
  }
  return either.signal
}

/**
 * An error means that nothing was counted, unless its code says that this is unknown. `earlierTry`: NGINX first tried another
 * server, which did not answer and may have counted the visit.
 */
export function outcomeOf(ok: boolean, text: string, earlierTry = false): VisitOutcome {
  const visit = ok ? readAs(isVisitAnswer, text) : null
  if (visit) return { kind: 'answered', srv_id: visit.srv_id, server: visit.server }
  const error = readAs(isErrorAnswer, text)?.error
  const isCertain = error && !earlierTry && !inDoubtCodes.includes(error.code)
  return { kind: isCertain ? 'failed' : 'unknown' }
}

/** `failed`: certainly not counted. `unknown`: no usable answer, so it may be counted. */
export type VisitOutcome =
  | { kind: 'answered'; srv_id: string; server: string }
  | { kind: 'failed' | 'unknown' }

export type Tally = {
  /** answers by srv_id */
  servers: Record<string, { name: string; visits: number }>
  answered: number
  failed: number
  unknown: number
}

export const emptyTally: Tally = { servers: {}, answered: 0, failed: 0, unknown: 0 }

export function withOutcome(tally: Tally, outcome: VisitOutcome): Tally {
  if (outcome.kind !== 'answered') return { ...tally, [outcome.kind]: tally[outcome.kind] + 1 }
  const { srv_id, server: name } = outcome
  const visits = (tally.servers[srv_id]?.visits ?? 0) + 1
  return {
    ...tally,
    answered: tally.answered + 1,
    servers: { ...tally.servers, [srv_id]: { name, visits } },
  }
}

export function doneOf({ answered, failed, unknown }: Tally): number {
  return answered + failed + unknown
}

const visits = (count: number) => `${count} visit${count === 1 ? '' : 's'}`

/** The outcome of a run in words. */
export function runText(tally: Tally, planned: number): string {
  const { answered, failed, unknown } = tally
  const unsent = planned - doneOf(tally)
  const servers = Object.keys(tally.servers).length
  return [
    `${visits(answered)} counted${answered > 0 ? ` by ${servers} server${servers === 1 ? '' : 's'}` : ''}.`,
    failed > 0 ? `${visits(failed)} refused, not counted.` : '',
    unknown > 0 ? `${visits(unknown)} without an answer: may be counted.` : '',
    unsent > 0 ? `${visits(unsent)} not sent.` : '',
  ]
    .filter(Boolean)
    .join(' ')
}

/** The servers that can answer now, then those that answered before. */
export function runRows(
  servers: Pick<ServerRow, 'srv_id' | 'name' | 'state'>[],
  tallies: (Tally | null)[],
): { srv_id: string; name: string }[] {
  const names = new Map<string, string>()
  for (const { srv_id, name, state } of servers) {
    if (state !== 'stopped' && state !== 'lost') names.set(srv_id, name)
  }
  for (const tally of tallies) {
    for (const [srvId, { name }] of Object.entries(tally?.servers ?? {})) {
      if (!names.has(srvId)) names.set(srvId, name)
    }
  }
  return [...names].map(([srv_id, name]) => ({ srv_id, name }))
}
