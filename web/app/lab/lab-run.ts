import { useEffect, useRef, useState } from 'react'
import { isErrorAnswer, isLabVisit, isVisitAnswer, type LabVisit } from '../../shared/api.ts'
import { readAs } from '../../shared/guards.ts'
import { steadyNow } from '../ui/page-lifecycle.ts'
import { tellOtherTabs } from '../visit/sticky-cookie.ts'
import {
  isOwn,
  type OwnPolicy,
  type Policy,
  policies,
  policyNames,
  returningVisitors,
  type Setup,
  visitsOf,
} from './lab-setup.ts'

export type Tallies = Partial<Record<Policy, Tally>>

export type LabServer = { srv_id: string; name: string }

export type LabRuns = {
  /** of the last run, or of the one under way */
  tallies: Tallies
  /** of each policy's run before */
  earlier: Tallies
  /** of `tallies`; null before the first run */
  setup: Setup | null
  /** those that were there when the run of `tallies` began */
  servers: LabServer[]
  running: Policy | null
  /** why the last run ended early, for the reader; empty if it did not */
  ended: string
}

const noRuns: LabRuns = { tallies: {}, earlier: {}, setup: null, servers: [], running: null, ended: '' }

/** ms between two drawings of a run. More often would take time from the visits. */
const drawMs = 100

/** Runs one policy after another. Only one run is under way, and it ends with the page. */
export function useLabRuns(
  stickySeconds: number,
): [LabRuns, (setup: Setup, servers: LabServer[]) => Promise<void>, () => void] {
  const [runs, setRuns] = useState(noRuns)
  const stop = useRef<AbortController>(null)
  useEffect(() => () => stop.current?.abort(), [])

  async function start(setup: Setup, servers: LabServer[]): Promise<void> {
    const run = new AbortController()
    stop.current = run
    const earlier = { ...runs.earlier, ...runs.tallies }
    const now: LabRuns = { tallies: {}, earlier, setup, servers, running: null, ended: '' }
    let drawn: ReturnType<typeof setTimeout> | undefined
    function draw(): void {
      clearTimeout(drawn)
      drawn = undefined
      setRuns({ ...now, tallies: { ...now.tallies } })
    }
    for (const policy of policyNames.filter(name => setup.policies.includes(name))) {
      if (run.signal.aborted) break
      now.running = policy
      now.tallies[policy] = tallyAfter(earlier[policy])
      draw()
      await sendVisits({
        count: visitsOf(policy, setup),
        concurrency: setup.concurrency,
        signal: run.signal,
        visit: (place, signal) => visitOnce(policy, place, setup, signal),
        onOutcome(outcome) {
          if (outcome.kind === 'refused') {
            now.ended ||= outcome.why
            run.abort()
          }
          now.tallies[policy] = withOutcome(now.tallies[policy] ?? emptyTally, outcome)
          drawn ??= setTimeout(draw, drawMs)
          // The visit renewed the cookie: the countdown must know.
          if (policy === 'cookie' && outcome.kind === 'answered') {
            const { srv_id, server } = outcome
            tellOtherTabs({ srv_id, server, until: Date.now() + stickySeconds * 1000 })
          }
        },
      })
    }
    if (run.signal.aborted) now.ended ||= 'You cancelled the run.'
    now.running = null
    draw()
  }

  return [runs, start, () => stop.current?.abort()]
}

type Sending = {
  count: number
  /** maximum number of visits in flight */
  concurrency: number
  /** `place`: 0 for the first visit */
  visit(place: number, signal: AbortSignal): Promise<VisitOutcome>
  onOutcome(outcome: VisitOutcome): void
  signal: AbortSignal
}

/**
 * Sends `count` visits. After an abort no more are sent, and those in flight are cancelled. The first visit goes alone: if the
 * cookie has expired, it brings a new one for the others.
 */
export async function sendVisits({ count, concurrency, visit, onOutcome, signal }: Sending): Promise<void> {
  let sent = 0
  async function one(): Promise<void> {
    onOutcome(await visit(sent++, signal))
  }
  async function lane(): Promise<void> {
    while (sent < count && !signal.aborted) await one()
  }
  if (count > 0 && !signal.aborted) await one()
  await Promise.all(Array.from({ length: concurrency }, lane))
}

function visitOnce(policy: Policy, place: number, setup: Setup, signal: AbortSignal): Promise<VisitOutcome> {
  return isOwn(policy) ? ownVisit(policy, signal) : labVisit(policy, visitorOf(place, setup), setup, signal)
}

/** The name of a simulated visitor, which is also the key of the hash. */
function visitorOf(place: number, { returning }: Setup): string {
  return `visitor-${returning ? place % returningVisitors : place}`
}

/** A visit of the lab takes at most 9 s: NGINX then stops trying. A page view takes 2 s, and NGINX may try it twice. */
const timeoutMs = 10_000

/** Requests a visit of the lab, which is never a hit. */
async function labVisit(
  policy: LabVisit['policy'],
  visitor: string,
  { slow, fail }: Setup,
  signal: AbortSignal,
): Promise<VisitOutcome> {
  const query = new URLSearchParams({ policy, key: visitor })
  if (slow) query.set('slow', `${slow.server}:${slow.ms}`)
  if (fail !== null) query.set('fail', `${fail}:1`)
  const started = steadyNow()
  try {
    const answer = await fetch(`/lab/visit?${query}`, {
      credentials: 'omit',
      cache: 'no-store',
      signal: endsWith(signal, timeoutMs),
    })
    const ms = steadyNow() - started
    const seen = { visitor, ms, tries: answer.headers.get('X-Tries'), hash: answer.headers.get('X-Hash') }
    return labOutcome(answer.status, await answer.text(), seen)
  } catch {
    if (signal.aborted) return { kind: 'cancelled' }
    return { kind: 'refused', why: 'A visit of the lab got no answer, so the run ended.' }
  }
}

type Seen = {
  visitor: string
  /** from the call to the answer, also while the browser has no free connection */
  ms: number
  /** headers of the answer: the status of each try, and the hash that NGINX has */
  tries: string | null
  hash: string | null
}

/** The status of a server that fails on purpose. One that does not answer is a 502 or 504. */
const failsOnPurpose = '503'

/** What became of a visit of the lab. A refused one never reached a server, and ends the run. */
export function labOutcome(status: number, text: string, { visitor, ms, tries, hash }: Seen): VisitOutcome {
  const visit = status === 200 ? readAs(isLabVisit, text) : null
  const failedTries = tries?.split(/[,:]/).slice(0, -1) ?? []
  if (visit) {
    const { srv_id, server, waited_ms } = visit
    const retries = failedTries.length
    const unplanned = failedTries.filter(tried => tried.trim() !== failsOnPurpose).length
    const consistent = hash === null ? null : hash === 'hash consistent'
    const measured = { ms, retries, unplanned, slow: waited_ms > 0, consistent }
    return { kind: 'answered', srv_id, server, visitor, ...measured }
  }
  if (status === 429) {
    return {
      kind: 'refused',
      why: 'NGINX refused a visit (429), so the run ended: too many came from your address, or too many people run experiments now. Wait a few seconds.',
    }
  }
  if (status >= 500) return { kind: 'failed' }
  const message = readAs(isErrorAnswer, text)?.error.message ?? 'Its answer cannot be read.'
  return { kind: 'refused', why: `A visit of the lab was refused (${status}), so the run ended. ${message}` }
}

/** Codes of a server that does not know the outcome of its commit, and of NGINX when a server did not answer. */
const inDoubtCodes = ['outcome_unknown', 'no_answer']

/** Requests the page as JSON, with or without the browser's cookies: one hit. */
async function ownVisit(policy: OwnPolicy, signal: AbortSignal): Promise<VisitOutcome> {
  const started = steadyNow()
  try {
    const answer = await fetch('/', {
      credentials: policy === 'cookie' ? 'include' : 'omit',
      cache: 'no-store',
      headers: { Accept: 'application/json' },
      signal: endsWith(signal, timeoutMs),
    })
    const ms = steadyNow() - started
    const earlierTry = answer.headers.get('X-Earlier-Try')
    return ownOutcome(policy, ms, answer.status, await answer.text(), earlierTry !== null)
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
export function ownOutcome(
  policy: OwnPolicy,
  ms: number,
  status: number,
  text: string,
  earlierTry = false,
): VisitOutcome {
  const visit = status === 200 ? readAs(isVisitAnswer, text) : null
  if (visit) {
    const { srv_id, server } = visit
    const visitor = policy === 'cookie' ? 'you' : null
    const measured = { ms, retries: 0, unplanned: 0, slow: false, consistent: null }
    return { kind: 'answered', srv_id, server, visitor, ...measured }
  }
  const error = readAs(isErrorAnswer, text)?.error
  const isCertain = error && !earlierTry && !inDoubtCodes.includes(error.code)
  if (!isCertain) return { kind: 'unknown' }
  if (status !== 429) return { kind: 'failed' }
  return {
    kind: 'refused',
    why: 'NGINX refused a page view, because too many came from your address (429). It was not counted, and the run ended. Wait a few seconds.',
  }
}

/**
 * failed: an error, and certainly not counted. unknown: no usable answer, so it may be counted. cancelled: a visit of the lab
 * that the reader did not wait for. refused: not sent to a server, so the run ends.
 */
export type VisitOutcome =
  | {
      kind: 'answered'
      srv_id: string
      server: string
      /** null: a new visitor for each visit */
      visitor: string | null
      ms: number
      /** failed tries that NGINX hid */
      retries: number
      /** of these, tries at servers that did not answer */
      unplanned: number
      /** held on purpose */
      slow: boolean
      /** whether NGINX's hash is consistent; null if the answer does not say */
      consistent: boolean | null
    }
  | { kind: 'failed' | 'unknown' | 'cancelled' }
  | { kind: 'refused'; why: string }

/** What became of a policy's visits. */
export type Tally = {
  /** answers by srv_id */
  servers: Record<string, { name: string; visits: number }>
  answered: number
  failed: number
  unknown: number
  /** of each answer, in ms */
  times: number[]
  retries: number
  unplanned: number
  slow: number
  consistent: boolean | null
  /** the srv_id of each visitor's last answer, also from earlier runs */
  lastServers: Record<string, string>
  /** by visitor who had been at a server before: whether another one answered since, in this run */
  moved: Record<string, boolean>
}

export const emptyTally: Tally = {
  servers: {},
  answered: 0,
  failed: 0,
  unknown: 0,
  times: [],
  retries: 0,
  unplanned: 0,
  slow: 0,
  consistent: null,
  lastServers: {},
  moved: {},
}

/** The start of a run. Its visitors remember the servers of the run before. */
export function tallyAfter(earlier: Tally | undefined): Tally {
  return { ...emptyTally, lastServers: earlier?.lastServers ?? {} }
}

export function withOutcome(tally: Tally, outcome: VisitOutcome): Tally {
  if (outcome.kind === 'cancelled' || outcome.kind === 'refused') return tally
  if (outcome.kind !== 'answered') return { ...tally, [outcome.kind]: tally[outcome.kind] + 1 }
  const { srv_id, server: name, visitor } = outcome
  const visits = (tally.servers[srv_id]?.visits ?? 0) + 1
  const before = visitor === null ? undefined : tally.lastServers[visitor]
  const moved = visitor !== null && before !== undefined && (tally.moved[visitor] || before !== srv_id)
  return {
    ...tally,
    answered: tally.answered + 1,
    servers: { ...tally.servers, [srv_id]: { name, visits } },
    times: [...tally.times, outcome.ms],
    retries: tally.retries + outcome.retries,
    unplanned: tally.unplanned + outcome.unplanned,
    slow: tally.slow + (outcome.slow ? 1 : 0),
    consistent: outcome.consistent ?? tally.consistent,
    lastServers: visitor === null ? tally.lastServers : { ...tally.lastServers, [visitor]: srv_id },
    moved: visitor === null || before === undefined ? tally.moved : { ...tally.moved, [visitor]: moved },
  }
}

export function doneOf({ answered, failed, unknown }: Tally): number {
  return answered + failed + unknown
}

const visits = (count: number) => `${count} visit${count === 1 ? '' : 's'}`

/** The outcome of a policy's visits in words. `planned`: the visits that the run was to send */
export function runText(policy: Policy, tally: Tally, planned: number): string {
  const { answered, failed, unknown } = tally
  const unsent = planned - doneOf(tally)
  const servers = Object.keys(tally.servers).length
  const verb = isOwn(policy) ? 'counted' : 'answered'
  const failedText = isOwn(policy) ? 'refused, not counted' : 'failed: no server served it'
  return [
    `${policies[policy].title}: ${visits(answered)} ${verb}${answered > 0 ? ` by ${servers} server${servers === 1 ? '' : 's'}` : ''}.`,
    failed > 0 ? `${visits(failed)} ${failedText}.` : '',
    unknown > 0 ? `${visits(unknown)} without an answer: may be counted.` : '',
    unsent > 0 ? `${visits(unsent)} not sent or cancelled.` : '',
  ]
    .filter(Boolean)
    .join(' ')
}
