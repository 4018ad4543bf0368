import { setTimeout as pause } from 'node:timers/promises'
import type { Fault } from '../fault.ts'
import { type Load, startLoad } from '../load.ts'
import type { Ground } from '../testbed/ground.ts'
import { type Findings, findIn } from './findings.ts'
import { readLedger } from './ledger.ts'
import type { Trial } from './promises.ts'
import { recoveryTime } from './recovery.ts'
import { readResidue, watchMemory } from './residue.ts'
import { untilSettled } from './until-settled.ts'

/** ms of page views before a fault, and after all is well again */
const margin = 1500
/** ms after which a replica that has not answered is not waited for any longer */
const patience = 45_000

/**
 * Brings one fault upon the board under load, and sees what became of it. `before` is the highest number that the trial
 * before it saw: what is counted between two trials belongs to nobody.
 */
export async function runTrial(
  fault: Fault,
  ground: Ground,
  perSecond: number,
  before: number,
): Promise<Trial> {
  await untilSettled(ground)
  ground.asides.length = 0
  ground.complaints.length = 0
  using memory = watchMemory(ground)
  const load = startLoad(ground.url, perSecond)
  const course = await takeCourse(fault, ground, load).finally(load.stop)
  await untilSettled(ground)
  await fault.check?.(ground, { ...course, views: load.views })
  return {
    fault,
    ...course,
    complaints: [...ground.complaints],
    replicas: ground.parts().replicas.length,
    views: load.views,
    findings: await holdAgainstDatabase(load, ground, before),
    residue: await readResidue(ground, memory.most()),
  }
}

async function takeCourse(fault: Fault, ground: Ground, load: Load) {
  await pause(margin)
  const injectedAt = performance.now()
  await fault.inject(ground)
  const overAt = performance.now()
  return { injectedAt, overAt, recovery: await untilRecovered(load, overAt, ground) }
}

/** Until all is well and stays so for a while. */
async function untilRecovered(load: Load, overAt: number, { parts }: Ground): Promise<number | null> {
  for (;;) {
    await pause(100)
    const waited = performance.now() - overAt
    const srvIds = parts().replicas.map(({ srv_id }) => srv_id)
    const recovery = recoveryTime(load.views, overAt, srvIds)
    if (recovery !== null && waited > recovery + margin) return recovery
    if (waited > patience) return recovery
  }
}

async function holdAgainstDatabase(load: Load, ground: Ground, before: number): Promise<Findings> {
  const connection = await ground.database.connect()
  const ledger = await readLedger(connection, before)
  await connection.end()
  return findIn([...load.views, ...load.resent, ...ground.asides], before, ledger)
}
