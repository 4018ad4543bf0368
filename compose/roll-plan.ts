import type { Version } from './newest-version.ts'

export type RollPlan<Replica> = {
  /** to be stopped at the end */
  old: Replica[]
  /** of the newest version already: an earlier roll was cut short */
  kept: Replica[]
  /** how many must be started beside them */
  missing: number
}

/**
 * What is to be done so that as many replicas as before run, all new. Where all are of the newest version they are all
 * replaced: that is a restart without a gap.
 */
export function planRoll<Replica extends Version>(running: Replica[], newest: Version): RollPlan<Replica> {
  const isNewest = ({ image, configHash }: Replica) =>
    image === newest.image && configHash === newest.configHash
  const outdated = running.filter(replica => !isNewest(replica))
  if (outdated.length === 0) return { old: running, kept: [], missing: running.length }
  const kept = running.filter(isNewest)
  return { old: outdated, kept, missing: Math.max(0, outdated.length - kept.length) }
}
