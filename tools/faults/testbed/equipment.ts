import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { type FakedClock, makeFakedClock } from '../../lib/faked-clock.ts'
import { type MemoryLimits, makeMemoryLimits } from './memory-limits.ts'
import { mountSmallDisk, type SmallDisk } from './small-disk.ts'

/** What some faults need and not every machine offers. Null where it is missing. */
export type Equipment = {
  /** the clock of the replica `replicaWithClock` */
  replicaClock: FakedClock | null
  databaseClock: FakedClock | null
  /** the disk that holds the database */
  smallDisk: SmallDisk | null
  /** of the replicas and of NGINX */
  memoryLimits: MemoryLimits | null
}

export type Need = keyof Equipment

const lacking: Record<Need, string> = {
  replicaClock: 'libfaketime is not installed',
  databaseClock: 'libfaketime is not installed',
  smallDisk: 'this user may not mount a disk',
  memoryLimits: 'this user may not make a control group (cgroup) that limits memory',
}

/** These change the whole board, so the faults that need them have a board to themselves. */
const special: Need[] = ['databaseClock', 'smallDisk', 'memoryLimits']

export const needsSpecialBoard = ({ needs = [] }: { needs?: Need[] }) =>
  needs.some(need => special.includes(need))

/** Why a fault cannot be tried with this equipment; null: it can. */
export function whyNotTried({ needs = [] }: { needs?: Need[] }, equipment: Equipment): string | null {
  const missing = needs.filter(need => equipment[need] === null)
  return missing.length > 0 ? [...new Set(missing.map(need => lacking[need]))].join(', and ') : null
}

/** Makes what this machine offers, in `folder`. A special board has what changes the whole board, the usual one has not. */
export function equip(folder: string, isSpecial: boolean): Equipment & AsyncDisposable {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const equipment: Equipment = isSpecial
    ? {
        replicaClock: null,
        databaseClock: makeFakedClock(join(folder, 'database-clock')),
        smallDisk: mountSmallDisk(join(folder, 'database')),
        memoryLimits: makeMemoryLimits(),
      }
    : {
        replicaClock: makeFakedClock(join(folder, 'replica-clock')),
        databaseClock: null,
        smallDisk: null,
        memoryLimits: null,
      }
  return {
    ...equipment,
    async [Symbol.asyncDispose]() {
      equipment.smallDisk?.unmount()
      await equipment.memoryLimits?.remove()
    },
  }
}
