import type { ServerRow, ServerState } from '../../shared/api.ts'

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
const states: ServerState[] = ['lost', 'draining', 'joining', 'stopped', 'up']

/** What the address asks for; by name when it asks for nothing that there is. */
export function orderOf(text: string): Order {
  return orderNames.find(name => name === text) ?? 'name'
}

/** The servers in that order; they come by name, and alike ones stay so. */
export function inOrder(servers: ServerRow[], order: Order): ServerRow[] {
  if (order === 'name') return servers
  if (order === 'state') return [...servers].sort((a, b) => states.indexOf(a.state) - states.indexOf(b.state))
  return [...servers].sort((a, b) => b[order] - a[order])
}
