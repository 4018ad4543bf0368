import type { Twin } from '../db/servers.ts'
import type { Identity } from '../identity.ts'

/** What is done in the database. */
type Deeds = {
  /** @returns false: this replica has no row */
  beat(identity: Identity): Promise<boolean>
  register(identity: Identity): Promise<{ id: number }>
  findTwins(identity: Identity): Promise<Twin[]>
  rename(identity: Identity): Promise<string>
}

type Options = {
  identity: Identity
  deeds: Deeds
  /** whether its name was given, and stays whatever others are called */
  isNamed: boolean
  say?: (text: string) => void
}

/**
 * Keeps this replica's row in `server` while it lives.
 * A row can vanish, or become another server's: after a restore, or after a long silence. Then the replica begins another
 * life, with a new row.
 * Two replicas can have the same `ip:port`, for example 127.0.0.1:3001 on two machines that share a database. A replica that
 * starts marks an earlier one at its address as stopped, since that is what a crash leaves behind. If the earlier one lives,
 * its heartbeat takes the mark back, so both are shown, both count, and both say so.
 * Two replicas can have the same name: one that was silent for some seconds wakes, and another has taken its name meanwhile.
 * Of two with one name the later takes another, unless its name was given.
 */
export class OwnRow {
  readonly #identity: Identity
  readonly #deeds: Deeds
  readonly #isNamed: boolean
  readonly #say: (text: string) => void
  #rejoining: Promise<void> | null = null
  #saidOf = ''

  constructor({ identity, deeds, isNamed, say = console.error }: Options) {
    this.#identity = identity
    this.#deeds = deeds
    this.#isNamed = isNamed
    this.#say = say
  }

  /** @throws what the database does */
  async beat(): Promise<void> {
    const { id } = this.#identity
    if (!(await this.#deeds.beat(this.#identity))) {
      await this.#rejoin(id)
      await this.#deeds.beat(this.#identity)
    }
    await this.#lookForTwins()
  }

  /** Begins another life after the row `lost`, once however many beats find it gone. @throws what the database does */
  async #rejoin(lost: number): Promise<void> {
    if (this.#identity.id !== lost) return
    this.#rejoining ??= this.#register().finally(() => {
      this.#rejoining = null
    })
    await this.#rejoining
  }

  async #register(): Promise<void> {
    const { id } = await this.#deeds.register(this.#identity)
    this.#say(
      `${this.#identity.name} has no row ${this.#identity.id} in the database any more, as after a restore or a long silence: it goes on with row ${id}`,
    )
    this.#identity.id = id
  }

  async #lookForTwins(): Promise<void> {
    const twins = await this.#deeds.findTwins(this.#identity)
    const identity = this.#identity
    if (!this.#isNamed && twins.some(({ id, name }) => id < identity.id && name === identity.name))
      identity.name = await this.#deeds.rename(identity)
    const sharing = twins.filter(twin => twin.srv_id === identity.srv_id)
    const all = sharing.map(twin => twin.id).join()
    if (all !== '' && all !== this.#saidOf)
      this.#say(
        `another replica lives at ${identity.address} on this database: ${sharing.map(twin => twin.name).join(', ')}. Both count, ` +
          'but a cookie cannot tell them apart: give each its own SERVER_ADDRESS, or each stack its own database',
      )
    this.#saidOf = all
  }
}
