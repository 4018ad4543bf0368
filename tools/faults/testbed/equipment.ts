import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, rmdirSync, rmSync, writeFileSync } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { join } from 'node:path'
import { codeOf } from '../../../web/server/errors.ts'
import type { ReplicaProgram } from '../../launcher/stack/stack-options.ts'
import { type FakedClock, makeFakedClock } from '../../lib/faked-clock.ts'
import { until } from './processes.ts'

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

/** A disk of its own for the database, small enough to be filled. */
type SmallDisk = {
  /** Leaves no room at all. */
  fill(): Promise<void>
  /** Gives the room back. */
  empty(): void
  unmount(): void
}

/** More than a database takes that is new. */
const megabytes = 300

/** Null where this user may not mount one: that takes root, and Linux. */
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

/** Not in this thread, which sends the page views meanwhile. */
async function writeUntilFull(path: string): Promise<void> {
  await using file = await open(path, 'w')
  for (const size of [2 ** 20, 4096]) {
    const piece = Buffer.alloc(size)
    while (await writesWhole(file, piece));
  }
}

/** A piece that does not fit is written as far as it does. */
async function writesWhole(file: FileHandle, piece: Buffer): Promise<boolean> {
  try {
    const { bytesWritten } = await file.write(piece)
    return bytesWritten === piece.length
  } catch (error) {
    if (codeOf(error) !== 'ENOSPC') throw error
    return false
  }
}

/** Control groups of Linux (cgroups) that limit the memory of parts of a board, as the containers' limits do. */
type MemoryLimits = {
  /** The program that puts itself into the group of the replica's name, which `variables` gives, and becomes `program`. */
  wrap(program: ReplicaProgram): ReplicaProgram
  /** for the environment of the replica of that name */
  variables(name: string): Record<string, string>
  /** Moves a process into the group of that name. What it starts from now on is in the group too. */
  place(name: string, pid: number): void
  /** limit in bytes of each group made so far, the most it used in bytes, and how many processes were killed for memory */
  seen(): { name: string; limit: number; most: number; killed: number }[]
  /** Removes the groups once the last process in them has ended. */
  remove(): Promise<void>
}

type Version = { top: string; limit: string; most: string; events: string }

/** The files of each version. Sources: https://docs.kernel.org/admin-guide/cgroup-v1/memory.html and …/cgroup-v2.html */
const versions: Version[] = [
  {
    top: '/sys/fs/cgroup/memory',
    limit: 'memory.limit_in_bytes',
    most: 'memory.max_usage_in_bytes',
    events: 'memory.oom_control',
  },
  { top: '/sys/fs/cgroup', limit: 'memory.max', most: 'memory.peak', events: 'memory.events' },
]

const variable = 'MEMORY_CGROUP'
const composeFile = join(import.meta.dirname, '..', '..', '..', 'docker-compose.yml')

/** Null where this user may not make one: that takes root, Linux, and a hierarchy that controls memory and can be written to. */
function makeMemoryLimits(): MemoryLimits | null {
  const version = versions
    .map(each => ({ ...each, parent: join(each.top, `board-faults-${process.pid}`) }))
    .find(({ parent, limit }) => makeParent(parent, limit))
  if (!version) return null
  const { parent, limit: limitFile, most, events } = version
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
    seen: () =>
      [...made].map(([name, limit]) => ({
        name,
        limit,
        most: Number(readFileSync(join(folderOf(name), most), 'utf8')),
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

/** Makes the group that holds the others. @returns whether groups in it can limit memory */
function makeParent(parent: string, limit: string): boolean {
  try {
    mkdirSync(parent)
  } catch {
    return false
  }
  try {
    // In version 2 a group says what its own groups control.
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

/** How many processes of a group were killed because they took more than its limit. */
export const killedIn = (events: string) => Number(/^oom_kill (\d+)$/m.exec(events)?.[1] ?? 0)

const units = { k: 2 ** 10, m: 2 ** 20, g: 2 ** 30 }

/** What docker-compose.yml limits the memory of its services to, in bytes; of a variable, its default. */
export function readComposeLimits(compose: string): { web: number; nginx: number } {
  return { web: limitOf('web'), nginx: limitOf('nginx') }

  function limitOf(service: string): number {
    const block = new RegExp(`^  ${service}:\n((?: {4}.*\n|\n)*)`, 'm').exec(compose)?.[1] ?? ''
    const [, number, unit] = /^ {4}mem_limit: (?:\$\{\w+:-)?(\d+)([kmg])/m.exec(block) ?? []
    if (unit !== 'k' && unit !== 'm' && unit !== 'g')
      throw new Error(`docker-compose.yml limits no memory of ${service}`)
    return Number(number) * units[unit]
  }
}
