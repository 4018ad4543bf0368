import type { Prisma } from '../../prisma/client/client.ts'
import { srvIdOf } from '../../web/server/srv-id.ts'

/** A server as a test wants it shown. */
export type Life = {
  name: string
  address: string
  state?: 'joining' | 'up' | 'draining' | 'lost' | 'stopped'
}

const hour = 3_600_000

/** @returns the row's id */
export async function addLife(witness: Prisma.TransactionClient, life: Life): Promise<number> {
  const { name, address, state = 'up' } = life
  const now = Date.now()
  const gone = state === 'lost' || state === 'stopped'
  const { id } = await witness.server.create({
    data: {
      name,
      address,
      srvId: srvIdOf(address),
      startedAt: new Date(now - 51 * hour),
      readyAt: state === 'joining' ? null : new Date(now - 51 * hour),
      // One that lives is seen again and again; one that is gone was seen before it would be forgotten.
      lastSeenAt: new Date(gone ? now - 8_000 : now + hour),
      stoppedAt: state === 'stopped' ? new Date(now - 8_000) : null,
      draining: state === 'draining',
      rate: 12.3,
      p50Ms: 2.14,
      p99Ms: 118.6,
      errors: 1234,
      errorCodes: 'overloaded:1230,outcome_unknown:4',
      streams: 56,
      memoryBytes: 123_456_789n,
    },
  })
  return id
}
