import { setTimeout as pause } from 'node:timers/promises'
import { waitUntil } from '../../../tools/lib/wait.ts'
import { rollWarning } from '../database.ts'
import {
  containerLog,
  DockerFailed,
  isHealthy,
  type ReplicaContainer,
  replicaContainers,
  runningReplicas,
  servingReplicas,
  unlessGone,
} from '../docker.ts'
import { changedFiles, outdatedSettingsOfNginx } from '../project.ts'
import { OldReplicasDrain } from './drain-old.ts'
import { type Roll, RollState } from './roll-state.ts'

// Replaces the replicas of a compose project, step by step. Each step first reads the current state: an earlier roll may have been
// interrupted anywhere, and other commands may scale meanwhile.
//
//   current state                            step
//   a new replica has ended                  remove it
//   fewer new replicas than wanted           start the missing ones
//   old replicas run                         wait until NGINX has the new ones, drain all old ones, stop one
//   old replicas exist, but none runs        remove them
//   only new replicas, as many as wanted     done, once all of them serve
//
// A roll that fails before the first old replica is stopped restores the former state.

/** ms until a replica must be healthy: many that start concurrently share the machine */
const startTimeoutMs = 120_000
/** maximum times a new replica ends by itself, for example because the database is slow */
const maxRestarts = 2
/** maximum starts of more replicas: other commands may change their number */
const maxStarts = 5

/**
 * ms until NGINX has looked up the replicas again: `valid=5s` plus `resolver_timeout 2s` in nginx/conf/replicas.conf.template, plus
 * one second.
 */
export const lookUpMs = 8000

export class Replacement {
  readonly #roll: Roll
  readonly #state: RollState
  /** ends the roll; ignored after the first old replica is stopped */
  readonly #stopSignal: AbortSignal
  readonly #drain: OldReplicasDrain
  /** ids of the new replicas that NGINX has looked up since they are healthy */
  readonly #inNginx = new Set<string>()
  #starts = 0
  /** whether an old replica was stopped: then the roll cannot be undone */
  #stopping = false

  private constructor(roll: Roll, state: RollState, stopSignal: AbortSignal) {
    this.#roll = roll
    this.#state = state
    this.#stopSignal = stopSignal
    this.#drain = new OldReplicasDrain(roll.lock, roll.say)
  }

  /** `atStart`: ids of the containers at the start of the command. @throws DockerFailed */
  static async run(roll: Roll, atStart: string[], stopSignal: AbortSignal): Promise<void> {
    const { state, stopped } = await RollState.begin(roll, atStart)
    const replacement = new Replacement(roll, state, stopSignal)
    try {
      await replacement.#remove(stopped)
      while (await replacement.#step());
    } catch (error) {
      throw await replacement.#giveUp(error)
    }
    await replacement.#waitUntilNewestServe()
    await state.complete()
    await replacement.#reportOutdated()
  }

  /** Does the next step. @returns false if there is none */
  async #step(): Promise<boolean> {
    const now = await this.#state.look()
    this.#throwIfCancelled()
    const old = now.filter(replica => this.#state.isOld(replica))
    const fresh = now.filter(replica => !this.#state.isOld(replica))
    const oldRunning = old.filter(({ running }) => running)
    const freshEnded = fresh.filter(({ running }) => !running)
    if (freshEnded.length > 0) await this.#remove(freshEnded)
    else if (fresh.length < this.#state.wanted)
      await this.#start(this.#state.wanted - fresh.length, now.length)
    else if (oldRunning[0]) {
      // After a wait read the state again: there may be fewer replicas.
      if (await this.#untilNginxHas(fresh)) return true
      await this.#drain.begin(oldRunning)
      this.#throwIfCancelled()
      // One at a time, so that few replicas which NGINX still uses stop concurrently.
      this.#stopping = true
      await this.#stop(oldRunning[0])
    } else if (old.length > 0) await this.#remove(old)
    else return false
    return true
  }

  /** Whether a signal ended the roll while it can be undone. */
  get #isCancelled(): boolean {
    return this.#stopSignal.aborted && !this.#stopping
  }

  /** @throws DockerFailed */
  #throwIfCancelled(): void {
    if (this.#isCancelled) throw new DockerFailed('stopped by a signal')
  }

  async #start(missing: number, there: number): Promise<void> {
    const { lock, say } = this.#roll
    if (++this.#starts > maxStarts) {
      const cause = this.#state.collision && `: ${this.#state.collision}`
      throw new DockerFailed(`other commands change the number of replicas repeatedly${cause}`)
    }
    // `up` also runs the services that `web` depends on. With --no-deps the replicas would get another configuration hash than from
    // `docker compose up`, which would then replace them all. Remove the two one-time containers first: otherwise those of the last
    // version would run again.
    await lock.compose('rm', '--force', 'secrets', 'migrate')
    const warning = rollWarning(this.#state.wanted)
    if (warning) say(`${warning}.`)
    say(`starting ${missing} beside the ${there} existing …`)
    say(`until it is done, scaling to exactly ${there + missing} changes nothing, so this roll cannot see it`)
    const up = ['up', '--detach', '--no-build', '--no-recreate']
    await this.#state.start(missing, total => lock.compose(...up, '--scale', `web=${total}`, 'web'))
  }

  /**
   * Waits until the new replicas are healthy and NGINX has looked them up.
   * @returns whether it waited for NGINX
   * @throws DockerFailed if a replica does not become healthy
   */
  async #untilNginxHas(fresh: ReplicaContainer[]): Promise<boolean> {
    const now = async () =>
      (await replicaContainers()).filter(({ id }) => fresh.some(replica => replica.id === id))
    await waitUntil('all new replicas are healthy', startTimeoutMs, async () => {
      const replicas = await now()
      return replicas.every(isHealthy) || this.#isCancelled || replicas.some(restartsRepeatedly)
    })
    this.#throwIfCancelled()
    if ((await now()).some(restartsRepeatedly)) throw new DockerFailed('a new replica ends repeatedly')
    if (fresh.every(({ id }) => this.#inNginx.has(id))) return false
    this.#roll.say(`waiting ${lookUpMs / 1000} s, until NGINX has looked them up …`)
    await pause(lookUpMs, undefined, this.#stopping ? {} : { signal: this.#stopSignal }).catch(() => {})
    this.#throwIfCancelled()
    for (const { id } of fresh) this.#inNginx.add(id)
    return true
  }

  async #stop({ id, name, state }: ReplicaContainer): Promise<void> {
    this.#roll.say(`stopping ${name} …`)
    // If it is no longer paused, this fails. If it still is, stopping it says so.
    if (state === 'paused') await this.#roll.lock.attempt(['unpause', id])
    await this.#roll.lock.docker(['stop', id]).catch(unlessGone)
  }

  /** Removes all in one command: other commands then see a partial state only briefly. */
  async #remove(stopped: ReplicaContainer[]): Promise<void> {
    if (stopped.length === 0) return
    this.#roll.say(`removing ${stopped.map(({ name }) => name).join(', ')} …`)
    const ids = stopped.map(({ id }) => id)
    await this.#roll.lock.docker(['rm', '--force', ...ids]).catch(unlessGone)
    this.#state.forget(stopped)
  }

  /** Restores the former state if no old replica was stopped. @returns the error to throw: its message has the cause and later failures */
  async #giveUp(error: unknown): Promise<DockerFailed> {
    const sentences = [messageOf(error)]
    let log = ''
    const readLog = async () => {
      log = await this.#logOfUnhealthy()
    }
    const restore = [() => this.#removeNew(), () => this.#drain.end(), () => this.#state.abandon()]
    const addServing = async () => void sentences.push(await this.#describeServing())
    for (const step of [readLog, ...(this.#stopping ? [] : restore), addServing]) {
      await step().catch(failure => sentences.push(`Then this failed too: ${messageOf(failure)}`))
    }
    return new DockerFailed(`${sentences.join('. ')}.${log}`)
  }

  /** The last lines of an unhealthy new replica's log, to follow the message; '' if all are healthy. */
  async #logOfUnhealthy(): Promise<string> {
    const unhealthy = (await this.#newReplicas()).find(replica => !isHealthy(replica))
    return unhealthy
      ? `\nThe log of ${unhealthy.name} ends with:\n${await containerLog(unhealthy.id, 5)}`
      : ''
  }

  async #removeNew(): Promise<void> {
    const removed = (await this.#newReplicas()).filter(
      replica => this.#state.isStartedHere(replica) || !isHealthy(replica),
    )
    for (const replica of removed.filter(({ running }) => running)) await this.#stop(replica)
    await this.#remove(removed)
  }

  async #newReplicas(): Promise<ReplicaContainer[]> {
    return (await replicaContainers()).filter(replica => !this.#state.isOld(replica))
  }

  async #describeServing(): Promise<string> {
    const serving = (await servingReplicas()).length
    const serve = serving === 1 ? 'serves' : 'serve'
    if (this.#stopping) return `${countOf(serving)} ${serve}`
    const left = (await runningReplicas()).length
    return serving === left
      ? `The ${countOf(left)} that ran before ${serve} on`
      : `Of the ${countOf(left)} that ran before, ${serving} ${serve} on: docker compose ps says more`
  }

  /** @throws DockerFailed if too few replicas of the newest version serve */
  async #waitUntilNewestServe(): Promise<void> {
    const { wanted } = this.#state
    let serving: ReplicaContainer[] = []
    let newest: ReplicaContainer[] = []
    await waitUntil('all new replicas serve', startTimeoutMs, async () => {
      serving = await servingReplicas()
      newest = serving.filter(replica => this.#state.isNewest(replica))
      return newest.length >= wanted
    }).catch(() => {
      throw new DockerFailed(
        `only ${newest.length} of ${countOf(wanted)} of the newest version serve, and ${serving.length} in all: docker compose ps says more`,
      )
    })
    const all = newest.length < serving.length ? `${countOf(serving.length)} serve, ` : ''
    this.#roll.say(`done: ${all}${countOf(newest.length)} of the newest version serve.`)
  }

  /** Reports replicas and NGINX if they run with other than the current settings, and services with former files. */
  async #reportOutdated(): Promise<void> {
    const { newest, say } = this.#roll
    const others = (await runningReplicas()).filter(({ configHash }) => configHash !== newest.configHash)
    if (others.length > 0) {
      const names = others.map(({ name }) => name).join(', ')
      say(`${names}: not the current settings; docker compose up -d would replace them.`)
    }
    const outdated = await outdatedSettingsOfNginx()
    if (outdated) {
      say(
        `NGINX is not part of a roll and still runs with its former settings: ${outdated.join(', ') || 'docker compose config says which'}.`,
      )
      say(
        'To apply the new ones: docker compose up -d nginx, with the same settings as this roll. The board does not answer for a second or two.',
      )
    }
    const changed = await changedFiles()
    // A new container has the new files too.
    if (outdated) changed.delete('nginx')
    if (changed.size === 0) return
    for (const [service, files] of changed) say(`${service} still runs with the former ${listOf(files)}.`)
    say(
      `To apply the new files: docker compose up -d --force-recreate ${[...changed.keys()].join(' ')}. Page views fail while nginx or mysql starts.`,
    )
  }
}

function restartsRepeatedly(replica: ReplicaContainer): boolean {
  return replica.restarts > maxRestarts && !isHealthy(replica)
}

function countOf(replicas: number): string {
  return `${replicas} ${replicas === 1 ? 'replica' : 'replicas'}`
}

/** The first three names, and how many more there are. */
function listOf(names: string[]): string {
  const more = names.length > 3 ? ` and ${names.length - 3} more` : ''
  return names.slice(0, 3).join(', ') + more
}

/** The message of an error and of its cause. */
function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const cause = error.cause instanceof Error ? ` (${error.cause.message})` : ''
  return error.message.replace(/\.$/, '') + cause
}
