import type { LogRow } from '../../shared/api.ts'

const length = 12

/** Which of the last hits a server answered, of all servers' last twelve: marks that stand where nothing may move. */
export function trailOf(srvId: string, log: LogRow[]): number[] {
  const last = log.slice(0, length)
  return last.filter(({ srv_id }) => srv_id === srvId).map(({ id }) => id)
}
