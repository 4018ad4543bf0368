import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, rmdirSync, rmSync, writeFileSync } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { join } from 'node:path'
import { codeOf } from '../../../web/server/errors.ts'
import type { ReplicaProgram } from '../../launcher/stack/stack-options.ts'
import { type FakedClock, makeFakedClock } from '../../lib/processes.ts'
import { until } from '../../lib/wait.ts'

/** What some faults need and not every machine offers; null if missing */
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

/** These change the whole board, so the faults that need them run on a separate board. */
const special: Need[] = ['databaseClock', 'smallDisk', 'memoryLimits']

export const needsSpecialBoard = ({ needs = [] }: { needs?: Need[] }) =>
  needs.some(need => special.includes(need))

/** Why a fault cannot run with this equipment; null if it can */
export function whyNotTried({ needs = [] }: { needs?: Need[] }, equipment: Equipment): string | null {
  const missing = needs.filter(need => equipment[need] === null)
  return missing.length > 0 ? [...new Set(missing.map(need => lacking[need]))].join(', and ') : null
}

/** Sets up what this machine offers, in `folder`. Only a special board gets the equipment that changes the whole board. */
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

/** A separate disk for the database, small enough to fill */
type SmallDisk = {
  fill(): Promise<void>
  empty(): void
  unmount(): void
}

/** more than a new database needs */
const megabytes = 300

/** Null if this user may not mount a disk, which takes root and Linux. */
function mountSmallDisk(folder: string): SmallDisk | null {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const options = `size=${megabytes}m,mode=0700`
  const { status } = spawnSync('mount', ['-t', 'tmpfs', '-o', options, 'board-faults', folder], {
    stdio: 'ignore',
  })
  if (status !== 0) return null
  const filler = join(folder, 'filler')
  return {
    fill: () => writeUntilFull(filler),
    empty: () => rmSync(filler, { force: true }),
    unmount: () => void spawnSync('umount', [folder], { stdio: 'ignore' }),
  }
}

/** Asynchronous, because this thread sends the page views. */
async function writeUntilFull(path: string): Promise<void> {
  await using file = await open(path, 'w')
  for (const size of [2 ** 20, 4096]) {
    const piece = Buffer.alloc(size)
    while (await writesWhole(file, piece));
  }
}

/** Writes as much of the piece as fits. @returns whether all of it did */
async function writesWhole(file: FileHandle, piece: Buffer): Promise<boolean> {
  try {
    const { bytesWritten } = await file.write(piece)
    return bytesWritten === piece.length
  } catch (error) {
    if (codeOf(error) !== 'ENOSPC') throw error
    return false
  }
}

/** Linux control groups (cgroups) that limit the memory of replicas and NGINX as the containers do */
type MemoryLimits = {
  /** A program that enters the replica's group, which `variables` passes to it, and then becomes `program` */
  wrap(program: ReplicaProgram): ReplicaProgram
  /** for the environment of the replica of that name */
  variables(name: string): Record<string, string>
  /** Moves a process into the group of that name. Its later children are in the group too. */
  place(name: string, pid: number): void
  /** of each group: limit and peak in bytes, and how many processes were killed for memory */
  usage(): { name: string; limit: number; peak: number; killed: number }[]
  /** Removes the groups once the last process in them has ended. */
  remove(): Promise<void>
}

type Version = { top: string; limit: string; peak: string; events: string }

/** The files of each version. Sources: https://docs.kernel.org/admin-guide/cgroup-v1/memory.html and …/cgroup-v2.html */
const versions: Version[] = [
  {
    top: '/sys/fs/cgroup/memory',
    limit: 'memory.limit_in_bytes',
    peak: 'memory.max_usage_in_bytes',
    events: 'memory.oom_control',
  },
  { top: '/sys/fs/cgroup', limit: 'memory.max', peak: 'memory.peak', events: 'memory.events' },
]

const variable = 'MEMORY_CGROUP'
const composeFile = join(import.meta.dirname, '..', '..', '..', 'docker-compose.yml')

/** Null if this user may not create a group, which takes root, Linux, and a writable hierarchy that controls memory. */
function makeMemoryLimits(): MemoryLimits | null {
  const version = versions
    .map(each => ({ ...each, parent: join(each.top, `board-faults-${process.pid}`) }))
    .find(({ parent, limit }) => makeParent(parent, limit))
  if (!version) return null
  const { parent, limit: limitFile, peak, events } = version
  const limits = readComposeLimits(readFileSync(composeFile, 'utf8'))
  const made = new Map<string, number>()
  const folderOf = (name: string) => join(parent, name)

  function groupOf(name: string): string {
    if (!made.has(name)) {
      const limit = name === 'nginx' ? limits.nginx : limits.web
      mkdirSync(folderOf(name))
      writeFileSync(join(folderOf(name), limitFile), String(limit))
      made.set(name, limit)
    }
    return join(folderOf(name), 'cgroup.procs')
  }

  return {
    wrap: program => ({
      ...program,
      command: '/bin/sh',
      arguments: ['-c', `echo $$ > "$${variable}" && exec "$0" "$@"`, program.command, ...program.arguments],
    }),
    variables: name => ({ [variable]: groupOf(name) }),
    place: (name, pid) => writeFileSync(groupOf(name), String(pid)),
    usage: () =>
      [...made].map(([name, limit]) => ({
        name,
        limit,
        peak: Number(readFileSync(join(folderOf(name), peak), 'utf8')),
        killed: killedIn(readFileSync(join(folderOf(name), events), 'utf8')),
      })),
    remove: () =>
      until('the control groups are removed', () => {
        for (const name of made.keys()) {
          rmdirSync(folderOf(name))
          made.delete(name)
        }
        rmdirSync(parent)
        return true
      }),
  }
}

/** Creates the parent group. @returns whether groups in it can limit memory */
function makeParent(parent: string, limit: string): boolean {
  try {
    mkdirSync(parent)
  } catch {
    return false
  }
  try {
    // In version 2 a group lists what its child groups control.
    const control = join(parent, 'cgroup.subtree_control')
    if (existsSync(control)) writeFileSync(control, '+memory')
    mkdirSync(join(parent, 'try'))
    try {
      writeFileSync(join(parent, 'try', limit), '1073741824')
      return true
    } finally {
      rmdirSync(join(parent, 'try'))
    }
  } catch {
    rmdirSync(parent)
    return false
  }
}

/** Number of processes of a group that were killed because they exceeded its limit */
export const killedIn = (events: string) => Number(/^oom_kill (\d+)$/m.exec(events)?.[1] ?? 0)

const units = { k: 2 ** 10, m: 2 ** 20, g: 2 ** 30 }

/** The memory limits of the services in docker-compose.yml, in bytes; the default if a variable sets one */
export function readComposeLimits(compose: string): { web: number; nginx: number } {
  return { web: limitOf('web'), nginx: limitOf('nginx') }

  function limitOf(service: string): number {
    const block = new RegExp(`^  ${service}:\n((?: {4}.*\n|\n)*)`, 'm').exec(compose)?.[1] ?? ''
    const [, number, unit] = /^ {4}mem_limit: (?:\$\{\w+:-)?(\d+)([kmg])/m.exec(block) ?? []
    if (unit !== 'k' && unit !== 'm' && unit !== 'g')
      throw new Error(`docker-compose.yml sets no memory limit for ${service}`)
    return Number(number) * units[unit]
  }
}
