// What a run of the lab does: its policies, what each experiment sets, and the set-up that the page's address keeps, so that a
// link shares it. The parts of the address that make no sense are ignored.

import { labLimits } from '../../shared/limits.ts'
import { type ExperimentName, experimentNames, experimentOf, type LabParameter } from './experiments.ts'

/** Policies that NGINX has for the lab alone, then the board's own sticky sessions, whose visits are counted and logged. */
export const policyNames = [
  'round_robin',
  'least_conn',
  'random_two',
  'ip_hash',
  'hash',
  'cookie',
  'no_cookie',
] as const

export type Policy = (typeof policyNames)[number]
export type OwnPolicy = 'cookie' | 'no_cookie'

/** Whether its visits are page views of the board: counted and logged. */
export function isOwn(policy: Policy): policy is OwnPolicy {
  return policy === 'cookie' || policy === 'no_cookie'
}

/** `name`: within a sentence. `does`: what it does, and when it is the right one. */
export const policies: Record<Policy, { title: string; name: string; does: string }> = {
  round_robin: {
    title: 'Round robin',
    name: 'round robin',
    does: 'Each server in turn. Right when all visits cost the same and all servers are alike.',
  },
  least_conn: {
    title: 'Least connections',
    name: 'least connections',
    does: 'The server with the fewest visits under way. Right when some visits or servers are slower.',
  },
  random_two: {
    title: 'Two random choices',
    name: 'two random choices',
    does: 'The less busy of two random servers. Right with several load balancers that do not know of each other.',
  },
  ip_hash: {
    title: 'IP hash',
    name: 'IP hash',
    does: 'The visitor’s address decides. Right without cookies, if visitors have many addresses.',
  },
  hash: {
    title: 'Hash of a key',
    name: 'the hash of a key',
    does: 'A key decides, here the visitor’s name. Right for caches: a key finds its server again.',
  },
  cookie: {
    title: 'With my cookie',
    name: 'my cookie',
    does: 'The board’s sticky session: the cookie’s server. Right when a server keeps what the visitor did.',
  },
  no_cookie: {
    title: 'Without a cookie',
    name: 'no cookie',
    does: 'The board for a new visitor: the least busy server. Right for the first visit.',
  },
}

export const visitCounts = [60, 300] as const
export const concurrencies = [1, 6] as const
export const slowChoices = [100, 200, 400, 1000, labLimits.slowMsMax] as const

/** Visits of the board that a run sends at most for each policy: they are counted, and a public address may send 200 in a burst. */
const ownVisitsMax = 60

/** Visitors of a run in which visitors return. Otherwise each visit has a visitor who visits once. */
export const returningVisitors = 10

export type Setup = {
  experiment: ExperimentName
  policies: Policy[]
  visits: (typeof visitCounts)[number]
  /** visits under way concurrently, at most */
  concurrency: (typeof concurrencies)[number]
  /** ten visitors visit several times; otherwise each visits once */
  returning: boolean
  /** ms of a server's wait on purpose */
  slow: { server: string; ms: number } | null
  /** the server that answers the run's visits with errors */
  fail: string | null
}

export const defaultSlowMs = 400

/** What an experiment sets, with these servers. */
export function presetOf(experiment: ExperimentName, servers: string[]): Setup {
  const base: Setup = {
    experiment,
    policies: ['round_robin', 'least_conn', 'random_two'],
    visits: 60,
    concurrency: 6,
    returning: false,
    slow: null,
    fail: null,
  }
  const [first = null, second = first] = servers
  if (experiment === 'fair-shares') return { ...base, policies: [...base.policies, 'hash'] }
  if (experiment === 'slow-server')
    return { ...base, slow: second === null ? null : { server: second, ms: defaultSlowMs } }
  if (experiment === 'dead-server')
    return { ...base, policies: [...base.policies, 'hash'], fail: serverToFail(servers) }
  const ofVisitors: Policy[] = ['hash', 'cookie', 'no_cookie']
  return {
    ...base,
    policies: experiment === 'one-office' ? ['ip_hash', ...ofVisitors] : ['round_robin', ...ofVisitors],
    returning: true,
  }
}

/** The server that an experiment lets fail: the last one. Null without servers. */
export function serverToFail(servers: string[]): string | null {
  return servers.at(-1) ?? null
}

/**
 * The set-up that the query of the page's address describes. `servers`: those that the experiments choose from. `known`: those
 * that the query may name, also if they are away.
 */
export function setupOf(query: string, servers: string[], known = servers): Setup {
  const values = new URLSearchParams(query)
  const preset = presetOf(experimentOf(query), servers)
  const chosen = (values.get('lab_policies') ?? '').split(/[ ,]/)
  const policies = policyNames.filter(name => chosen.includes(name))
  const visitors = values.get('lab_visitors')
  return {
    ...preset,
    policies: policies.length > 0 ? policies : preset.policies,
    visits: oneOf(visitCounts, values.get('lab_visits')) ?? preset.visits,
    concurrency: oneOf(concurrencies, values.get('lab_concurrent')) ?? preset.concurrency,
    returning: visitors === 'new' || visitors === 'returning' ? visitors === 'returning' : preset.returning,
    slow: slowOf(values.get('lab_slow'), known) ?? preset.slow,
    fail: oneOf(known, values.get('lab_fail')) ?? preset.fail,
    ...(values.get('lab_slow') === 'none' && { slow: null }),
    ...(values.get('lab_fail') === 'none' && { fail: null }),
  }
}

/**
 * The parameters of the address for a set-up; empty for what its experiment sets anyway. A server is named unless the experiment
 * chooses it both of the `servers` and of all that are `known`: elsewhere, others may be away.
 */
export function parametersOf(setup: Setup, servers: string[], known = servers): Record<LabParameter, string> {
  const presets = [servers, known].map(names => presetOf(setup.experiment, names))
  const unlessPreset = (text: (of: Setup) => string) =>
    presets.every(preset => text(setup) === text(preset)) ? '' : text(setup)
  return {
    lab: setup.experiment === experimentNames[0] ? '' : setup.experiment,
    lab_policies: unlessPreset(({ policies }) => policyNames.filter(name => policies.includes(name)).join()),
    lab_visits: unlessPreset(({ visits }) => String(visits)),
    lab_concurrent: unlessPreset(({ concurrency }) => String(concurrency)),
    lab_visitors: unlessPreset(({ returning }) => (returning ? 'returning' : 'new')),
    lab_slow: unlessPreset(({ slow }) => (slow ? `${slow.server}:${slow.ms}` : 'none')),
    lab_fail: unlessPreset(({ fail }) => fail ?? 'none'),
  }
}

function slowOf(text: string | null, servers: string[]): Setup['slow'] {
  const [name = '', ms = ''] = text?.split(':') ?? []
  const server = oneOf(servers, name)
  const choice = oneOf(slowChoices, ms)
  return server === undefined || choice === undefined ? null : { server, ms: choice }
}

/**
 * What to set in the address when a set-up changes. What did not change stays there: the address may name a server that this
 * page does not know yet.
 */
export function changesOf(before: Setup, next: Setup, servers: string[], known: string[]) {
  const values = Object.entries(parametersOf(before, servers, known))
  const changed = Object.entries(parametersOf(next, servers, known)).filter(
    ([name, value]) => value !== '' || !values.some(([known, old]) => known === name && old === value),
  )
  return Object.fromEntries(changed)
}

/** The choice that the text names; undefined if there is none. */
function oneOf<T extends string | number>(choices: readonly T[], text: string | null): T | undefined {
  return choices.find(choice => String(choice) === text)
}

/** Visits that a run sends for this policy. */
export function visitsOf(policy: Policy, { visits }: Setup): number {
  return isOwn(policy) ? Math.min(visits, ownVisitsMax) : visits
}
