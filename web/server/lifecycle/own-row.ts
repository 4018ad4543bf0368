import { lostAfterSeconds } from '../../shared/limits.ts'
import type { ConflictingServer } from '../db/servers.ts'
import type { Identity } from '../identity.ts'
import { log } from '../log.ts'

/** The database queries that it needs. */
type OwnRowQueries = {
  /** @returns false if this replica has no row */
  beat(identity: Identity): Promise<boolean>
  /** records that it gave no sign for the last `ms` and goes on */
  wasSilent(identity: Identity, ms: number): Promise<void>
  register(identity: Identity): Promise<{ id: number }>
  findConflicts(identity: Identity): Promise<ConflictingServer[]>
  rename(identity: Identity): Promise<string>
}

type Options = {
  identity: Identity
  queries: OwnRowQueries
  /** whether its name is configured, and so never changes */
  isNamed: boolean
  log?: (text: string) => void
  /** ms of a steady clock */
  now?: () => number
}

/**
 * Keeps this replica's row in `server` up to date. A row can vanish or belong to another server, after a restore or a
 * long silence. The replica then registers a new instance. Two replicas can have the same `ip:port`, for example
 * 127.0.0.1:3001 on two machines that share a database. A starting replica marks an earlier one at its address as
 * stopped, since a crash leaves that behind. If the earlier one is alive, its next heartbeat removes the mark: both are
 * shown, both count, and both log the conflict. Two replicas can have the same name: one was silent for some seconds,
 * and another took its name meanwhile. The later of the two takes another name, unless its name is configured.
 *
 * A process that was frozen counted as lost meanwhile. Its row no longer says so once it goes on, so it records its silence. While
 * the database does not answer it still tries: that is no silence.
 */
export class OwnRow {
  readonly #identity: Identity
  readonly #queries: OwnRowQueries
  readonly #isNamed: boolean
  readonly #write: (text: string) => void
  readonly #now: () => number
  #rejoining: Promise<void> | null = null
  /** when it last gave a sign, or tried to */
  #signAt: number
  /** when it gave the last sign before a silence that is not recorded yet */
  #silentSince: number | null = null
  #loggedConflict = ''

  constructor({ identity, queries, isNamed, log: write = log.warn, now = () => performance.now() }: Options) {
    this.#identity = identity
    this.#queries = queries
    this.#isNamed = isNamed
    this.#write = write
    this.#now = now
    this.#signAt = now()
  }

  /** Call it for each sign of this replica that others see in its row. */
  noteSign(): void {
    const now = this.#now()
    if (now - this.#signAt > lostAfterSeconds * 1000) this.#silentSince ??= this.#signAt
    this.#signAt = now
  }

  /** Sends a heartbeat. @throws database errors */
  async beat(): Promise<void> {
    this.noteSign()
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
    const others = await this.#queries.findConflicts(this.#identity)
    const identity = this.#identity
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
