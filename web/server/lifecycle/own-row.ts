// This replica's row in the database: the row stays up to date (OwnRow), and a wish of control in it ends this process (OwnEnd).

import { setTimeout as pause } from 'node:timers/promises'
import type { ServerRow } from '../../shared/api.ts'
import { lostAfterSeconds } from '../../shared/limits.ts'
import type { EndCommand } from '../db/control.ts'
import type { Identity } from '../identity.ts'
import { log } from '../log.ts'

/** The database queries that it needs. */
type OwnRowQueries = {
  /** @returns false if this replica has no row */
  beat(identity: Identity): Promise<boolean>
  /** records that it sent no heartbeat for the last `ms` and goes on */
  wasSilent(identity: Identity, ms: number): Promise<void>
  register(identity: Identity): Promise<{ id: number }>
  /** the servers that the board shows */
  readServers(): Promise<ServerRow[]>
  rename(identity: Identity): Promise<string>
}

type RowOptions = {
  identity: Identity
  queries: OwnRowQueries
  /** whether its name is configured, and so never changes */
  isNamed: boolean
  log?: (text: string) => void
  /** ms of a steady clock */
  now?: () => number
}

/**
 * Keeps this replica's row in `server` up to date, registers again if the row has vanished, logs another replica at its address,
 * takes another name if an earlier replica has its name, and records a silence that is over. Why and when:
 * docs/decisions/servers.md, 018.
 */
export class OwnRow {
  readonly #identity: Identity
  readonly #queries: OwnRowQueries
  readonly #isNamed: boolean
  readonly #write: (text: string) => void
  readonly #now: () => number
  #rejoining: Promise<void> | null = null
  /** when it last sent a heartbeat, or tried to */
  #heartbeatAt: number
  /** when it sent the last heartbeat before a silence that is not recorded yet */
  #silentSince: number | null = null
  #loggedConflict = ''

  constructor({
    identity,
    queries,
    isNamed,
    log: write = log.warn,
    now = () => performance.now(),
  }: RowOptions) {
    this.#identity = identity
    this.#queries = queries
    this.#isNamed = isNamed
    this.#write = write
    this.#now = now
    this.#heartbeatAt = now()
  }

  /** Call it whenever this replica writes `last_seen_at` of its row, also with hits. */
  noteHeartbeat(): void {
    const now = this.#now()
    if (now - this.#heartbeatAt > lostAfterSeconds * 1000) this.#silentSince ??= this.#heartbeatAt
    this.#heartbeatAt = now
  }

  /** Sends a heartbeat. @throws database errors */
  async beat(): Promise<void> {
    this.noteHeartbeat()
    const { id } = this.#identity
    if (this.#silentSince !== null) {
      await this.#queries.wasSilent(this.#identity, this.#now() - this.#silentSince)
      this.#silentSince = null
    }
    if (!(await this.#queries.beat(this.#identity))) {
      await this.#rejoin(id)
      await this.#queries.beat(this.#identity)
    }
    await this.#checkConflicts()
  }

  /** Registers again after the row `lost`, once even if several heartbeats find it gone. @throws database errors */
  async #rejoin(lost: number): Promise<void> {
    if (this.#identity.id !== lost) return
    this.#rejoining ??= this.#register().finally(() => {
      this.#rejoining = null
    })
    await this.#rejoining
  }

  async #register(): Promise<void> {
    const { id } = await this.#queries.register(this.#identity)
    this.#write(
      `${this.#identity.name} has no row ${this.#identity.id} in the database any more, as after a restore or a long silence: it goes on with row ${id}`,
    )
    this.#identity.id = id
  }

  async #checkConflicts(): Promise<void> {
    const identity = this.#identity
    const servers = await this.#queries.readServers()
    // The reading may be from just before a restore: in it, the row that this replica had before looks like another replica.
    if (!servers.some(({ id, srv_id }) => id === identity.id && srv_id === identity.srv_id)) return
    const others = findConflicts(servers, identity)
    if (!this.#isNamed && others.some(({ id, name }) => id < identity.id && name === identity.name))
      identity.name = await this.#queries.rename(identity)
    const sharing = others.filter(other => other.srv_id === identity.srv_id)
    const ids = sharing.map(other => other.id).join()
    if (ids !== '' && ids !== this.#loggedConflict)
      this.#write(
        `another replica runs at ${identity.address} on this database: ${sharing.map(other => other.name).join(', ')}. Both count, ` +
          'but a cookie cannot tell them apart: give each its own SERVER_ADDRESS, or each stack its own database',
      )
    this.#loggedConflict = ids
  }
}

/** Other servers with the same address or the same name, without those that have stopped or are lost. */
export function findConflicts(
  servers: ServerRow[],
  { id, srv_id, name }: Pick<Identity, 'id' | 'srv_id' | 'name'>,
): ServerRow[] {
  return servers.filter(
    other =>
      other.id !== id &&
      (other.srv_id === srv_id || other.name === name) &&
      other.state !== 'stopped' &&
      other.state !== 'lost',
  )
}

/** ms to wait for the answers about control that this replica is sending */
const answersMs = 1000

type EndOptions = {
  /** acknowledges the wish; false if it was withdrawn */
  take(end: EndCommand): Promise<boolean>
  /** ends this process */
  signal?(signal: NodeJS.Signals): void
  log?: (text: string) => void
}

/**
 * Ends this replica when control wants it: `restart` as SIGTERM does, `kill` as a crash does, with nothing done before. The
 * launcher or Docker starts it again. This replica may itself answer the request, so the answer may leave first.
 */
export class OwnEnd {
  readonly #take: EndOptions['take']
  readonly #signal: (signal: NodeJS.Signals) => void
  readonly #write: (text: string) => void
  readonly #answers = new Set<Promise<unknown>>()
  #begun = false

  constructor({
    take,
    signal = each => void process.kill(process.pid, each),
    log: write = log.info,
  }: EndOptions) {
    this.#take = take
    this.#signal = signal
    this.#write = write
  }

  /** Call it with each answer about control; the promise resolves when it has left. */
  holdFor(answered: Promise<unknown>): void {
    this.#answers.add(answered)
    void answered.catch(() => {}).finally(() => this.#answers.delete(answered))
  }

  /** Acknowledges the wish and ends this process, once. @throws database errors */
  async obey(end: EndCommand): Promise<void> {
    if (this.#begun || !(await this.#take(end))) return
    this.#begun = true
    this.#write(`control wants it to ${end === 'kill' ? 'be killed' : 'restart'}`)
    await Promise.race([Promise.allSettled(this.#answers), pause(answersMs, undefined, { ref: false })])
    this.#signal(end === 'kill' ? 'SIGKILL' : 'SIGTERM')
  }
}
