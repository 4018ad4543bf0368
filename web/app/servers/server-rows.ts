import { useState } from 'react'
import type { ServerRow, ServerState } from '../../shared/api.ts'
import { useUrlParameter } from '../ui/address-bar.ts'
import type { Formats } from '../ui/formats.ts'

export type Order = 'name' | 'hits' | 'rate' | 'state'

/** What the choice calls each. */
export const orders: Record<Order, string> = {
  name: 'by name',
  hits: 'most hits',
  rate: 'most hits/s',
  state: 'by state',
}

export const orderNames: Order[] = ['name', 'hits', 'rate', 'state']

/** Who needs a look first. */
const statesByUrgency: ServerState[] = ['lost', 'draining', 'joining', 'stopped', 'up']

/** What the address asks for; by name when it asks for nothing that there is. */
export function orderOf(text: string): Order {
  return orderNames.find(name => name === text) ?? 'name'
}

/** The servers in that order; they come by name, and alike ones stay so. */
export function inOrder(servers: ServerRow[], order: Order): ServerRow[] {
  if (order === 'name') return servers
  if (order === 'state')
    return [...servers].sort((a, b) => statesByUrgency.indexOf(a.state) - statesByUrgency.indexOf(b.state))
  return [...servers].sort((a, b) => b[order] - a[order])
}

/**
 * The servers in the order that the address asks for. It is taken anew when another is chosen and when a server comes,
 * goes or changes its state, not with every figure: rows would change places under the reader's eyes.
 */
export function useOrder(servers: ServerRow[]): [ServerRow[], Order, (order: Order) => void] {
  const [asked, choose] = useUrlParameter('order')
  const order = orderOf(asked)
  const occasion = [order, ...servers.map(({ id, state }) => `${id} ${state}`)].join()
  const take = () => ({ occasion, ids: inOrder(servers, order).map(({ id }) => id) })
  const [taken, setTaken] = useState(take)
  if (taken.occasion !== occasion) setTaken(take())
  const ordered = taken.ids.flatMap(id => servers.find(server => server.id === id) ?? [])
  return [ordered, order, next => choose(next === 'name' ? '' : next)]
}

/**
 * Shares of a whole in thousandths, which add up to 1000 exactly: each rounded down, and what is left given one by
 * one to the largest remainders. All 0 when there is nothing to share.
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
 * How evenly the hits go to the servers, by Jain's index: the square of the sum over n times the sum of the squares.
 * 1 = all alike, 1/n = one has all. Null when there is nothing to share, or nobody to share it with.
 * (R. Jain, D. Chiu, W. Hawe: A Quantitative Measure of Fairness, DEC-TR-301, 1984.)
 */
export function fairness(rates: number[]): number | null {
  const sum = rates.reduce((total, rate) => total + rate, 0)
  const squares = rates.reduce((total, rate) => total + rate * rate, 0)
  return squares > 0 ? (sum * sum) / (rates.length * squares) : null
}

/** How long a server has been running, ms, by the database's clock: until now, or until it was last seen. */
export function uptimeMs({ state, started_at, last_seen_at }: ServerRow, now: string): number {
  return Date.parse(isGone(state) ? last_seen_at : now) - Date.parse(started_at)
}

/** Whether it can no longer answer. */
export function isGone(state: ServerRow['state']): boolean {
  return state === 'lost' || state === 'stopped'
}

/** "2.1 / 9.4": the middle and the slow end of page views lately; a dash where there were none. */
export function latencyText(p50: number | null, p99: number | null, { rate }: Formats): string {
  return p50 === null || p99 === null ? '–' : `${rate(p50)} / ${rate(p99)}`
}

/** "3 overloaded, 1 outcome_unknown": errors by code, the most first; empty without any. */
export function errorCodesText(codes: Record<string, number>, { whole }: Formats): string {
  return Object.entries(codes)
    .sort(([, a], [, b]) => b - a)
    .map(([code, count]) => `${whole(count)} ${code}`)
    .join(', ')
}

/** In whole megabytes; 0 where a server has not said yet. */
export function megabytes(bytes: number): number {
  return Math.round(bytes / 1_000_000)
}

/** How many servers are up; when none is, what they are instead. */
export function serversUpText(states: ServerState[], whole: (count: number) => string): string {
  const count = (state: ServerState) => states.filter(one => one === state).length
  const up = count('up')
  if (up > 0) return `${whole(up)} ${up === 1 ? 'server' : 'servers'} up`
  const others = (['draining', 'joining', 'lost'] as const).filter(state => count(state) > 0)
  return ['0 servers up', ...others.map(state => `${whole(count(state))} ${state}`)].join(', ')
}

/** How closely the servers must stand: some and many are one line each. */
export function serverDensity(servers: number): 'few' | 'some' | 'many' {
  if (servers <= 5) return 'few'
  return servers <= 9 ? 'some' : 'many'
}
