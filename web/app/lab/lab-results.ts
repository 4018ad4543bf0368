// What a run of the lab shows: percentiles, evenness, which policy did best, and sentences from the figures. Pure.

import type { ServerRow } from '../../shared/api.ts'
import { shownState } from '../../shared/shown-state.ts'
import { listed } from '../../shared/wording.ts'
import { fairness, isGone } from '../servers/server-rows.ts'
import type { Figures } from '../ui/formats.ts'
import type { ExperimentName } from './experiments.ts'
import { doneOf, emptyTally, type LabRuns, type LabServer, type Tallies, type Tally } from './lab-run.ts'
import { isOwn, type Policy, policies, policyNames, type Setup } from './lab-setup.ts'

/** A percentile by nearest rank, so it is one of the values. Null without values. `share`: 0.5 for the median */
export function percentile(values: number[], share: number): number | null {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? null
}

/** ms for people: one decimal under 10 */
export function msText(ms: number | null, formats: Pick<Figures, 'rate'>): string {
  return ms === null ? '–' : formats.rate(ms)
}

/** The servers that have not gone. Those that join or are silent may answer. */
export function presentServers(servers: Pick<ServerRow, 'srv_id' | 'name' | 'state'>[]): LabServer[] {
  return serversOf({ servers: servers.filter(({ state }) => !isGone(state)), tallies: {} })
}

/**
 * The servers that a run's figures are about: those that were there when it began, then others that answered. Servers that come or
 * go later change no figure of it.
 */
export function serversOf({ servers, tallies }: Pick<LabRuns, 'servers' | 'tallies'>): LabServer[] {
  const names = new Map(servers.map(({ srv_id, name }) => [srv_id, name]))
  for (const tally of Object.values(tallies)) {
    for (const [srvId, { name }] of Object.entries(tally.servers)) {
      if (!names.has(srvId)) names.set(srvId, name)
    }
  }
  return [...names].map(([srv_id, name]) => ({ srv_id, name }))
}

export function visitsAt(tally: Tally | undefined, srvId: string): number {
  return tally?.servers[srvId]?.visits ?? 0
}

/**
 * Jain's index of the visits over these servers, 0 to 1, in whole per cent: policies that the page shows as equal are equal. Null
 * before an answer.
 */
export function evennessOf(tally: Tally, servers: LabServer[]): number | null {
  const index = fairness(servers.map(({ srv_id }) => visitsAt(tally, srv_id)))
  return index === null ? null : Math.round(100 * index) / 100
}

/** Visitors who came to another server than before, of those who had been here before. */
export function movedOf({ moved }: Tally): { moved: number; of: number } {
  const came = Object.values(moved)
  return { moved: came.filter(Boolean).length, of: came.length }
}

/** Which servers did not serve all the time while a run was under way. */
export type Watch = {
  running: boolean
  /** the servers when it began */
  before: WatchedServer[]
  /**
   * time of the snapshot that was shown when it ended; null = it is under way, or there was none. A hidden page shows none, so of a
   * run behind another tab the watch sees little: failed tries tell of servers that were away.
   */
  endedAt: string | null
  /** names of the servers that were lost, silent, stopped or restarted, or came */
  away: string[]
  /** names of those that took no new visitors */
  draining: string[]
}

type WatchedServer = Pick<ServerRow, 'id' | 'srv_id' | 'name' | 'state' | 'last_seen_at'>

export const noWatch: Watch = { running: false, before: [], endedAt: null, away: [], draining: [] }

/**
 * The watch after a snapshot; the same object if nothing changed. Silence shows seconds later, so it goes on after the run.
 * `at`: the snapshot's time
 */
export function watchRun(
  watch: Watch,
  { running, setup }: Pick<LabRuns, 'running' | 'setup'>,
  servers: WatchedServer[],
  at: string,
): Watch {
  const isRunning = running !== null
  const isNew = isRunning && !watch.running
  if (!isRunning && !watch.running && watch.endedAt === null) return watch
  const { before, away, draining } = isNew ? { ...noWatch, before: servers } : watch
  const endedAt = isRunning ? null : (watch.endedAt ?? at)
  const isAfter = endedAt !== null && watch.endedAt !== null
  const rows = servers.filter(row => !servers.some(({ srv_id, id }) => srv_id === row.srv_id && id > row.id))
  const gone = rows
    .filter(row => {
      const wasThere = before.some(({ id, state }) => id === row.id && state !== 'stopped')
      const state = shownState(row, at)
      const isAway = state === 'silent' || state === 'lost'
      if (isAfter) return isAway && Date.parse(row.last_seen_at) <= Date.parse(endedAt)
      return isAway || (state === 'stopped' ? wasThere : !before.some(({ id }) => id === row.id))
    })
    .map(({ name }) => name)
  const named = [setup?.slow?.server, setup?.fail].filter(
    name => isRunning && name && !rows.some(row => row.name === name && row.state !== 'stopped'),
  )
  const drains = rows.filter(({ state }) => !isAfter && state === 'draining')
  const all = [...new Set([...away, ...gone, ...named.flatMap(name => name ?? [])])]
  const allDraining = [...new Set([...draining, ...drains.map(({ name }) => name)])]
  const isSame =
    !isNew &&
    watch.running === isRunning &&
    watch.endedAt === endedAt &&
    all.length === away.length &&
    allDraining.length === draining.length
  return isSame ? watch : { running: isRunning, before, endedAt, away: all, draining: allDraining }
}

/** Why the figures of a run are no fair comparison; empty if they are, as far as is known. `servers`: those of the run */
export function careText(
  tallies: Tallies,
  { fail, policies: chosen }: Setup,
  servers: LabServer[],
  { away, draining }: Pick<Watch, 'away' | 'draining'>,
): string {
  // The lab's own policies send visits to a server that drains, too.
  const drained = chosen.some(isOwn) ? draining.filter(name => !away.includes(name)) : []
  const absent = [...wereText(away, 'away'), ...wereText(drained, 'draining')]
  if (absent.length > 0) return `${listed(absent)} during this run: compare with care.`
  const isAlone = servers.every(({ name }) => name === fail)
  const troubled = policyNames.some(policy => {
    const { retries, unplanned, failed, unknown } = tallies[policy] ?? emptyTally
    // Nothing can hide that the only server fails, which page views do not meet.
    const failedAnyway = isAlone && !isOwn(policy) ? 0 : failed
    return failedAnyway + unknown + (fail === null ? retries : unplanned) > 0
  })
  return troubled ? 'Some tries failed that were not to fail: compare with care.' : ''
}

/** "web-1 and web-2 were away"; nothing without names */
function wereText(names: string[], what: string): string[] {
  return names.length === 0 ? [] : [`${listed(names)} ${names.length > 1 ? 'were' : 'was'} ${what}`]
}

type Measure = {
  /** what the best has */
  words: string
  /** less is better; null if it cannot be compared */
  of(policy: Policy, tally: Tally): number | null
}

/** What the policies of a run are compared by. */
export function measureOf(setup: Setup, servers: LabServer[]): Measure {
  const ofLab = (value: (tally: Tally) => number) => (policy: Policy, tally: Tally) =>
    isOwn(policy) ? null : value(tally)
  if (setup.fail !== null && !setup.returning)
    return { words: 'fewest retries', of: ofLab(({ retries }) => retries) }
  if (setup.slow !== null) return { words: 'fewest slow answers', of: ofLab(({ slow }) => slow) }
  if (setup.experiment === 'coming-back') {
    const share = (tally: Tally) => {
      const { moved, of } = movedOf(tally)
      return of === 0 ? null : moved / of
    }
    return { words: 'fewest visitors moved', of: (_, tally) => share(tally) }
  }
  return { words: 'most even', of: (_, tally) => -(evennessOf(tally, servers) ?? 0) }
}

/** The best policies of a finished run; none if all are equal, or if there is nothing to compare. */
export function bestOf(tallies: Tallies, setup: Setup, servers: LabServer[]): Policy[] {
  const measure = measureOf(setup, servers)
  const measured = policyNames.flatMap(policy => {
    const tally = tallies[policy]
    const value = tally && tally.answered > 0 ? measure.of(policy, tally) : null
    return value === null ? [] : [{ policy, value }]
  })
  const values = measured.map(({ value }) => value)
  const best = Math.min(...values)
  if (values.every(value => value === best)) return []
  return measured.filter(({ value }) => value === best).map(({ policy }) => policy)
}

type Percent = (ratio: number) => string

type Seen = { policy: Policy; name: string; tally: Tally }

/** One sentence or two from the figures of a finished run. Empty if no visit was sent. `percent`: formats 0 to 1 */
export function seenText(tallies: Tallies, setup: Setup, servers: LabServer[], percent: Percent): string {
  const { experiment, slow, fail } = setup
  const seen: Seen[] = policyNames.flatMap(policy => {
    const tally = tallies[policy]
    return tally && tally.answered > 0 ? [{ policy, name: policies[policy].name, tally }] : []
  })
  const ofLab = seen.filter(({ policy }) => !isOwn(policy))
  const moves = seen.filter(({ tally }) => movedOf(tally).of > 0)
  const done: Tally[] = Object.values(tallies).filter(tally => doneOf(tally) > 0)
  if (seen.length === 0) return done.length === 0 ? '' : 'No visit was answered.'
  if (experiment === 'coming-back' && moves.length > 0) return movedText(moves)
  if (fail !== null && ofLab.length > 0) return failText(ofLab, tallies)
  if (slow !== null && ofLab.length > 0) return slowText(ofLab, slow.server, servers, percent)
  return experiment === 'one-office' ? usedText(seen) : evenText(seen, servers, percent)
}

function movedText(seen: Seen[]): string {
  const moves = seen.map(({ name, tally }) => {
    const { moved, of } = movedOf(tally)
    return `${name} moved ${moved} of ${of} ${of === 1 ? 'visitor' : 'visitors'}`
  })
  return sentence(listed(moves))
}

/** `tallies`: also of policies whose visits all failed */
function failText(seen: Seen[], tallies: Tallies): string {
  const failed = policyNames
    .filter(policy => !isOwn(policy))
    .reduce((sum, policy) => sum + (tallies[policy]?.failed ?? 0), 0)
  const retries = seen.map(({ name, tally }) => `${tally.retries} for ${name}`)
  const visits = failed === 0 ? 'No visit failed' : `${failed} ${failed === 1 ? 'visit' : 'visits'} failed`
  return `${visits}. Failed tries that NGINX hid: ${listed(retries)}.`
}

function slowText(seen: Seen[], slow: string, servers: LabServer[], percent: Percent): string {
  const srvId = servers.find(({ name }) => name === slow)?.srv_id ?? ''
  const shares = seen
    .map(({ name, tally }) => ({ name, share: visitsAt(tally, srvId) / tally.answered }))
    .sort((a, b) => a.share - b.share)
  const [least, ...others] = shares
  const most = others.at(-1)
  if (!least) return ''
  const gave = `${least.name} gave slow ${slow} ${percent(least.share)} of visits`
  return sentence(most ? `${gave}, ${most.name} ${percent(most.share)}` : gave)
}

function usedText(seen: Seen[]): string {
  const used = seen.map(({ name, tally }) => {
    const [only, ...others] = Object.values(tally.servers)
    const all = `${name} used ${others.length + 1} servers`
    return only && others.length === 0 ? `${name} sent all to ${only.name}` : all
  })
  return sentence(listed(used))
}

function evenText(seen: Seen[], servers: LabServer[], percent: Percent): string {
  const even = seen.map(({ name, tally }) => ({ name, value: evennessOf(tally, servers) ?? 0 }))
  const values = even.map(({ value }) => value)
  const [most, least] = [Math.max(...values), Math.min(...values)]
  const namesWith = (evenness: number) =>
    even.filter(({ value }) => value === evenness).map(({ name }) => name)
  const best = namesWith(most)
  if (even.length === 1) return sentence(`${listed(best)} had an evenness of ${percent(most)}`)
  if (most === least) return `All had the same evenness: ${percent(most)}.`
  return sentence(
    `${listed(best)} ${best.length > 1 ? 'were' : 'was'} the most even (${percent(most)}), ${listed(namesWith(least))} the least (${percent(least)})`,
  )
}

function sentence(text: string): string {
  return `${text.slice(0, 1).toUpperCase()}${text.slice(1)}.`
}

export type Expectation = { question: string; choices: [string, string, string] }

export const expectations: Record<ExperimentName, Expectation> = {
  'fair-shares': {
    question: 'Which policy will be the most even?',
    choices: ['Round robin', 'Least connections', 'Two random choices'],
  },
  'slow-server': {
    question: 'What will round robin give the slow server?',
    choices: ['Its full share', 'About half its share', 'Next to nothing'],
  },
  'dead-server': {
    question: 'How many visits will fail?',
    choices: ['None', 'A few', 'One in three'],
  },
  'one-office': {
    question: 'How many servers will IP hash use?',
    choices: ['One', 'Two', 'All'],
  },
  'coming-back': {
    question: 'A server fails. Which visitors will the hash move?',
    choices: ['No visitor', 'The visitors of that server', 'Most visitors'],
  },
}

/** Which of the choices (0 to 2) the figures confirm; none while they do not say. */
export function confirmedChoices(
  { tallies, earlier }: { tallies: Tallies; earlier: Tallies },
  setup: Setup,
  servers: LabServer[],
): number[] {
  const { round_robin, least_conn, random_two, ip_hash, hash } = tallies
  switch (setup.experiment) {
    case 'fair-shares': {
      const values = [round_robin, least_conn, random_two].map(tally =>
        tally && tally.answered > 0 ? evennessOf(tally, servers) : null,
      )
      if (values.includes(null)) return []
      const best = Math.max(...values.map(value => value ?? 0))
      return [0, 1, 2].filter(choice => values[choice] === best)
    }
    case 'slow-server': {
      const srvId = servers.find(({ name }) => name === setup.slow?.server)?.srv_id
      if (!round_robin?.answered || srvId === undefined) return []
      const ofEqual = (visitsAt(round_robin, srvId) / round_robin.answered) * servers.length
      return [ofEqual > 0.75 ? 0 : ofEqual > 0.25 ? 1 : 2]
    }
    case 'dead-server': {
      const ofLab = policyNames.flatMap(policy => (isOwn(policy) ? [] : (tallies[policy] ?? [])))
      const answered = ofLab.reduce((sum, tally) => sum + tally.answered, 0)
      const failed = ofLab.reduce((sum, tally) => sum + tally.failed, 0)
      if (answered === 0 || setup.fail === null) return []
      return [failed === 0 ? 0 : failed < 0.2 * (answered + failed) ? 1 : 2]
    }
    case 'one-office': {
      const used = Object.keys(ip_hash?.servers ?? {}).length
      if (used === 0) return []
      // With two servers, two are all.
      return [0, 1, 2].filter(choice => used === [1, 2, servers.length][choice])
    }
    case 'coming-back': {
      if (!hash || setup.fail === null) return []
      const failed = servers.find(({ name }) => name === setup.fail)?.srv_id
      const last = earlier.hash?.lastServers ?? {}
      const { moved } = movedOf(hash)
      const there = Object.keys(hash.moved).filter(visitor => last[visitor] === failed).length
      // Without visitors of the server that fails, the hash has none to move.
      if (failed === undefined || there === 0) return []
      return [moved === 0 ? 0 : moved <= there ? 1 : 2]
    }
  }
}
