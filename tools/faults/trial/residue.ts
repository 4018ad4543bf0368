import { readFileSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import type { Ground } from '../testbed/ground.ts'

/** What a fault leaves behind in the replicas. */
export type Residue = {
  /** bytes of the replica that took most, at its worst */
  mostMemory: number
  queued: number
  streams: number
}

/** ms in which dropped connections and queues are gone. */
const patience = 10_000

/** Looks at the replicas until they hold nothing any more, or for ten seconds. */
export async function readResidue(ground: Ground, mostMemory: number): Promise<Residue> {
  const deadline = performance.now() + patience
  for (;;) {
    const queued = await sum(ground, 'balance_board_queued_hits')
    const streams = await sum(ground, 'balance_board_live_streams')
    if (queued + streams === 0 || performance.now() > deadline) return { mostMemory, queued, streams }
    await pause(100)
  }
}

async function sum({ parts }: Ground, metric: string): Promise<number> {
  const texts = parts().replicas.map(async ({ address }) => (await fetch(`http://${address}/metrics`)).text())
  const values = (await Promise.all(texts)).map(text =>
    Number(new RegExp(`^${metric}{.*} (\\d+)$`, 'm').exec(text)?.[1]),
  )
  return values.reduce((total, value) => total + value, 0)
}

/** Looks at the memory of the replicas four times a second, frozen ones too. `most` is the most seen, in bytes. */
export function watchMemory({ parts }: Ground): Disposable & { most(): number } {
  let most = 0
  const look = () => {
    for (const { pid } of parts().replicas) most = Math.max(most, residentBytes(pid))
  }
  const timer = setInterval(look, 250)
  return { most: () => most, [Symbol.dispose]: () => clearInterval(timer) }
}

function residentBytes(pid: number): number {
  try {
    const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
    return Number(kilobytes ?? 0) * 1024
  } catch {
    return 0 // ended
  }
}
