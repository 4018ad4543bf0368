import type { ServerState } from '../../shared/api.ts'

/** How many servers are up; when none is, what they are instead. */
export function serversUpText(states: ServerState[], whole: (count: number) => string): string {
  const count = (state: ServerState) => states.filter(one => one === state).length
  const up = count('up')
  if (up > 0) return `${whole(up)} ${up === 1 ? 'server' : 'servers'} up`
  const others = (['draining', 'joining', 'lost'] as const).filter(state => count(state) > 0)
  return ['0 servers up', ...others.map(state => `${whole(count(state))} ${state}`)].join(', ')
}
