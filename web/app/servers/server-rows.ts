import { useState } from 'react'
import type { ServerRow, Snapshot } from '../../shared/api.ts'
import { type ShownState, shownState } from '../../shared/shown-state.ts'
import { useUrlParameter } from '../ui/address-bar.ts'
import type { Formats } from '../ui/formats.ts'

export type Order = 'name' | 'hits' | 'rate' | 'state'

/** The words of the menu. */
export const orders: Record<Order, string> = {
  name: 'name',
  hits: 'most hits',
  rate: 'most hits/s',
  state: 'state',
}

export const orderNames: Order[] = ['name', 'hits', 'rate', 'state']

const statesByUrgency: ShownState[] = ['lost', 'silent', 'draining', 'joining', 'stopped', 'up']

/** The order in the page's address; by name if there is none, or an unknown one. */
export function orderOf(text: string): Order {
  return orderNames.find(name => name === text) ?? 'name'
}

/** Sorts servers, which come sorted by name. Equal ones stay in that order. `at`: the time of the snapshot. */
export function inOrder(servers: ServerRow[], order: Order, at: string): ServerRow[] {
  const urgency = (server: ServerRow) => statesByUrgency.indexOf(shownState(server, at))
  if (order === 'name') return servers
  if (order === 'state') return [...servers].sort((a, b) => urgency(a) - urgency(b))
  return [...servers].sort((a, b) => b[order] - a[order])
}

/**
 * The key of each server's row: its srv_id, which a restart keeps. If two live instances have one address by mistake, the second
 * has a key with its id.
 */
export function rowKeys(servers: Pick<ServerRow, 'id' | 'srv_id'>[]): string[] {
  return servers.map(({ id, srv_id }, place) =>
    servers.findIndex(other => other.srv_id === srv_id) === place ? srv_id : `${srv_id} ${id}`,
  )
}

/**
 * The servers in the order of the page's address. It sorts again only when the order changes, or when a server comes, goes
 * or changes its state. With every new figure, rows would change places while the reader reads them.
 */
export function useOrder({ servers, at }: Snapshot): [ServerRow[], Order, (order: Order) => void] {
  const [text, setText] = useUrlParameter('order')
  const order = orderOf(text)
  const keys = rowKeys(servers)
  const reason = [order, ...servers.map((server, place) => `${keys[place]} ${shownState(server, at)}`)].join()
  const sort = () => ({
    reason,
    keys: inOrder(servers, order, at).map(server => keys[servers.indexOf(server)] ?? ''),
  })
  const [sorted, setSorted] = useState(sort)
  if (sorted.reason !== reason) setSorted(sort())
  const ordered = sorted.keys.flatMap(key => servers[keys.indexOf(key)] ?? [])
  return [ordered, order, next => setText(next === 'name' ? '' : next)]
}

/**
 * Shares in thousandths that add up to exactly 1000: each is rounded down, and the largest remainders get one more. All 0 if
 * nothing was counted.
 */
export function sharesOf(counts: number[]): number[] {
  const total = counts.reduce((sum, count) => sum + count, 0)
  if (total === 0) return counts.map(() => 0)
  const exact = counts.map(count => (count * 1000) / total)
  const shares = exact.map(Math.floor)
  const left = 1000 - shares.reduce((sum, share) => sum + share, 0)
  const byRemainder = exact.map((value, place) => ({ place, remainder: value % 1 }))
  byRemainder.sort((a, b) => b.remainder - a.remainder)
  const roundedUp = new Set(byRemainder.slice(0, left).map(({ place }) => place))
  return shares.map((share, place) => (roundedUp.has(place) ? share + 1 : share))
}

/**
 * Jain's fairness index: the square of the sum over n times the sum of the squares. 1 = all servers get the same, 1/n = one
 * server gets everything, null = no hits or no servers.
 * (R. Jain, D. Chiu, W. Hawe: A Quantitative Measure of Fairness, DEC-TR-301, 1984.)
 */
export function fairness(rates: number[]): number | null {
  const sum = rates.reduce((total, rate) => total + rate, 0)
  const squares = rates.reduce((total, rate) => total + rate * rate, 0)
  return squares > 0 ? (sum * sum) / (rates.length * squares) : null
}

/** How long a server has run, in ms of the database's clock: until now, or until it was last seen. */
export function uptimeMs({ state, started_at, last_seen_at }: ServerRow, now: string): number {
  return Date.parse(isGone(state) ? last_seen_at : now) - Date.parse(started_at)
}

export function isGone(state: ServerRow['state']): boolean {
  return state === 'lost' || state === 'stopped'
}

/** "2.1 / 9.4": median and 99th percentile of the latest page views, in ms; a dash if there were none. */
export function latencyText(p50: number | null, p99: number | null, { rate }: Formats): string {
  return p50 === null || p99 === null ? '–' : `${rate(p50)} / ${rate(p99)}`
}

/** "3 overloaded, 1 outcome_unknown": errors by code, the most frequent first; empty if there are none. */
export function errorCodesText(codes: Record<string, number>, { whole }: Formats): string {
  return Object.entries(codes)
    .sort(([, a], [, b]) => b - a)
    .map(([code, count]) => `${whole(count)} ${code}`)
    .join(', ')
}

/** 0 if the server has not reported its memory yet. */
export function megabytes(bytes: number): number {
  return Math.round(bytes / 1_000_000)
}

/** "3 servers up"; if others are not, all states: "2 up · 1 draining · 1 lost". */
export function serversUpText(states: ShownState[], whole: (count: number) => string): string {
  const count = (state: ShownState) => states.filter(one => one === state).length
  const up = count('up')
  if (up === states.length) return `${whole(up)} ${up === 1 ? 'server' : 'servers'} up`
  const others = (['joining', 'draining', 'silent', 'lost', 'stopped'] as const).filter(
    state => count(state) > 0,
  )
  return [`${whole(up)} up`, ...others.map(state => `${whole(count(state))} ${state}`)].join(' · ')
}

/** How dense a list of servers must be. `some` and `many`: one line each. */
export function serverDensity(servers: number): 'few' | 'some' | 'many' {
  if (servers <= 5) return 'few'
  return servers <= 9 ? 'some' : 'many'
}
