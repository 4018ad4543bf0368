import { setTimeout as pause } from 'node:timers/promises'
import { answers } from '../../lib/liveness.ts'
import { residentBytes } from '../../lib/processes.ts'
import type { Answer } from '../../lib/visitors.ts'
import { until } from '../../lib/wait.ts'
import type { Testbed } from '../testbed/testbed.ts'

/**
 * ms from `overAt` until every replica has answered a page view that started after it, and the last failure has ended; null
 * if a replica has not answered
 */
export function recoveryTime(views: Answer[], overAt: number, srvIds: string[]): number | null {
  const firsts = new Map<string, number>()
  let back = overAt
  for (const { status, srvId, startedAt, took } of views) {
    const endedAt = startedAt + took
    if (status !== 200) back = Math.max(back, endedAt)
    else if (srvId !== null && startedAt >= overAt)
      firsts.set(srvId, Math.min(endedAt, firsts.get(srvId) ?? endedAt))
  }
  if (srvIds.some(srvId => !firsts.has(srvId))) return null
  return Math.max(back, ...firsts.values()) - overAt
}

/** Waits until the database and NGINX answer and every replica is ready. */
export async function untilSettled({ url, database, processes }: Testbed): Promise<void> {
  await database.untilItAnswers()
  await until('NGINX answers', () => answers(`${url}healthz`))
  await until('every replica is ready', () => allReady(processes().replicas))
}

async function allReady(replicas: { address: string }[]): Promise<boolean> {
  const ready = await Promise.all(replicas.map(({ address }) => answers(`http://${address}/health/ready`)))
  return ready.every(Boolean)
}

/** What a fault leaves behind in the replicas */
export type Residue = {
  /** peak memory of a replica, in bytes */
  mostMemory: number
  queued: number
  streams: number
}

/** ms within which dropped connections and queues must be gone */
const residueTimeoutMs = 10_000

/** Polls the replicas until they hold nothing, for at most ten seconds. */
export async function readResidue(testbed: Testbed, mostMemory: number): Promise<Residue> {
  const deadline = performance.now() + residueTimeoutMs
  for (;;) {
    const queued = await sum(testbed, 'balance_board_queued_hits')
    const streams = await sum(testbed, 'balance_board_live_streams')
    if (queued + streams === 0 || performance.now() > deadline) return { mostMemory, queued, streams }
    await pause(100)
  }
}

async function sum({ processes }: Testbed, metric: string): Promise<number> {
  const texts = processes().replicas.map(async ({ address }) =>
    (await fetch(`http://${address}/metrics`)).text(),
  )
  const values = (await Promise.all(texts)).map(text =>
    Number(new RegExp(`^${metric}{.*} (\\d+)$`, 'm').exec(text)?.[1]),
  )
  return values.reduce((total, value) => total + value, 0)
}

/** Samples the replicas' memory four times a second, also of frozen ones. `most` is the peak in bytes. */
export function watchMemory({ processes }: Testbed): Disposable & { most(): number } {
  let most = 0
  const sample = () => {
    for (const { pid } of processes().replicas) most = Math.max(most, residentBytes(pid))
  }
  const timer = setInterval(sample, 250)
  return { most: () => most, [Symbol.dispose]: () => clearInterval(timer) }
}
