import { setTimeout as pause } from 'node:timers/promises'
import { waitUntil } from '../../tools/lib/wait.ts'
import { rollWarning } from './database.ts'
import { containerLog, DockerFailed, unlessGone } from './docker.ts'
import { OldReplicasDrain } from './drain-old.ts'
import { formerSettingsOfNginx } from './project.ts'
import {
  isHealthy,
  type ReplicaContainer,
  replicaContainers,
  runningReplicas,
  servingReplicas,
} from './replica-containers.ts'
import { type Roll, RollState } from './roll-state.ts'

// Replaces the replicas of a compose project, step by step. Each step looks at what is there first, since a roll before
// may have been cut short anywhere, and other commands may scale meanwhile:
//
//   what is there                            what is done
//   a new replica that has ended             it is removed
//   fewer new replicas than wanted           the missing ones are started
//   old replicas that run                    wait until NGINX has the new ones, drain all the old ones, stop one
//   old replicas, none of which runs         they are removed
//   as many new replicas as wanted           done, once all of them serve
//
// Until the first old one is stopped, a roll that fails puts all back.

/** ms in which a replica must be healthy: many that start at the same time share the machine. */
const startPatience = 120_000
/** times a new replica may end by itself, as when the database is slow to let it in */
const endsAllowed = 2
/** times more replicas are started, because other commands changed how many there are */
const mostStarts = 5

/**
 * ms after which NGINX has looked the replicas up again: `valid=5s` and `resolver_timeout 2s` in
 * nginx/conf/replicas.conf.template, and one more.
 */
const lookUpMs = 8000

export class Replacement {
  readonly #roll: Roll
  readonly #state: RollState
  /** ends the roll; ignored once the first old replica was stopped */
  readonly #stopSignal: AbortSignal
  readonly #drain: OldReplicasDrain
  /** ids of the new ones that NGINX has looked up since they are healthy */
  readonly #inNginx = new Set<string>()
  #starts = 0
  /** whether an old one was stopped: from then on there is no way back */
  #stopping = false

  private constructor(roll: Roll, state: RollState, stopSignal: AbortSignal) {
    this.#roll = roll
    this.#state = state
    this.#stopSignal = stopSignal
    this.#drain = new OldReplicasDrain(roll.lock, roll.say)
  }

  /** `atStart`: ids of the containers that were there when the command began. @throws DockerFailed */
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
    await replacement.#sayWhatDiffers()
  }

  /** Does the next thing that is to be done. @returns whether there was one */
  async #step(): Promise<boolean> {
    const now = await this.#state.look()
    this.#endIfStopped()
    const old = now.filter(replica => this.#state.isOld(replica))
    const fresh = now.filter(replica => !this.#state.isOld(replica))
    const oldRunning = old.filter(({ running }) => running)
    const freshEnded = fresh.filter(({ running }) => !running)
    if (freshEnded.length > 0) await this.#remove(freshEnded)
    else if (fresh.length < this.#state.wanted)
      await this.#start(this.#state.wanted - fresh.length, now.length)
    else if (oldRunning[0]) {
      // After a wait it looks again, since there may be fewer by then.
      if (await this.#untilNginxHas(fresh)) return true
      await this.#drain.begin(oldRunning)
      this.#endIfStopped()
      // One at a time: so few that NGINX still sends to are silent together.
      this.#stopping = true
      await this.#stop(oldRunning[0])
    } else if (old.length > 0) await this.#remove(old)
    else return false
    return true
  }

  /** The signal came while all can still be put back. */
  get #turnsBack(): boolean {
    return this.#stopSignal.aborted && !this.#stopping
  }

  /** @throws DockerFailed */
  #endIfStopped(): void {
    if (this.#turnsBack) throw new DockerFailed('told to stop')
  }

  async #start(missing: number, there: number): Promise<void> {
    const { lock, say } = this.#roll
    if (++this.#starts > mostStarts)
      throw new DockerFailed('other commands change the number of replicas again and again')
    // `up` runs what `web` depends on: without that (--no-deps) replicas would have another configuration hash than
    // `docker compose up` gives them, which would then replace all of them. The two that run once are removed before,
    // or those of the last version would run again.
    await lock.compose('rm', '--force', 'secrets', 'migrate')
    const warning = rollWarning(this.#state.wanted)
    if (warning) say(`${warning}.`)
    say(`starting ${missing} beside the ${there} that are there …`)
    say(`until it is done, scaling to exactly ${there + missing} changes nothing, so this roll cannot see it`)
    const up = ['up', '--detach', '--no-build', '--no-recreate']
    await this.#state.start(missing, total => lock.compose(...up, '--scale', `web=${total}`, 'web'))
  }

  /**
   * Waits until they are healthy, and NGINX has looked them up.
   * @returns whether NGINX did not have all of them yet @throws DockerFailed where one does not get well
   */
  async #untilNginxHas(fresh: ReplicaContainer[]): Promise<boolean> {
    const now = async () =>
      (await replicaContainers()).filter(({ id }) => fresh.some(replica => replica.id === id))
    await waitUntil('all new replicas are healthy', startPatience, async () => {
      const replicas = await now()
      return replicas.every(isHealthy) || this.#turnsBack || replicas.some(endsAgainAndAgain)
    })
    this.#endIfStopped()
    if ((await now()).some(endsAgainAndAgain)) throw new DockerFailed('a new replica ends again and again')
    if (fresh.every(({ id }) => this.#inNginx.has(id))) return false
    this.#roll.say(`waiting ${lookUpMs / 1000} s, until NGINX has looked them up …`)
    await pause(lookUpMs, undefined, this.#stopping ? {} : { signal: this.#stopSignal }).catch(() => {})
    this.#endIfStopped()
    for (const { id } of fresh) this.#inNginx.add(id)
    return true
  }

  async #stop({ id, name, state }: ReplicaContainer): Promise<void> {
    this.#roll.say(`stopping ${name} …`)
    if (state === 'paused') await this.#roll.lock.docker(['unpause', id])
    await this.#roll.lock.docker(['stop', id]).catch(unlessGone)
  }

  /** Together, when all have stopped: the fewer are there for a moment, the less another command can misread. */
  async #remove(stopped: ReplicaContainer[]): Promise<void> {
    if (stopped.length === 0) return
    this.#roll.say(`removing ${stopped.map(({ name }) => name).join(', ')} …`)
    const ids = stopped.map(({ id }) => id)
    await this.#roll.lock.docker(['rm', '--force', ...ids]).catch(unlessGone)
    this.#state.forget(stopped)
  }

  /** Puts all back, as long as no old one was stopped. @returns what to tell: first why, whatever fails after it */
  async #giveUp(error: unknown): Promise<DockerFailed> {
    const sentences = [messageOf(error)]
    let lastWords = ''
    const readLastWords = async () => {
      lastWords = await this.#lastWords()
    }
    const putBack = [() => this.#removeNew(), () => this.#drain.undo(), () => this.#state.leave()]
    const tellWhatServes = async () => void sentences.push(await this.#whatServes())
    for (const step of [readLastWords, ...(this.#stopping ? [] : putBack), tellWhatServes]) {
      await step().catch(failure => sentences.push(`Then this failed too: ${messageOf(failure)}`))
    }
    return new DockerFailed(`${sentences.join('. ')}.${lastWords}`)
  }

  /** Of a new replica that is not well, on lines after the message; '' where all are. */
  async #lastWords(): Promise<string> {
    const unwell = (await this.#newReplicas()).find(replica => !isHealthy(replica))
    return unwell ? `\n${unwell.name} said last:\n${await containerLog(unwell.id, 5)}` : ''
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

  async #whatServes(): Promise<string> {
    const serving = (await servingReplicas()).length
    const serve = serving === 1 ? 'serves' : 'serve'
    if (this.#stopping) return `${countOf(serving)} ${serve}`
    const left = (await runningReplicas()).length
    return serving === left
      ? `The ${countOf(left)} that ran before ${serve} on`
      : `Of the ${countOf(left)} that ran before, ${serving} ${serve} on: docker compose ps says more`
  }

  /** @throws DockerFailed where fewer of the newest version serve than are wanted */
  async #waitUntilNewestServe(): Promise<void> {
    const { wanted } = this.#state
    let serving: ReplicaContainer[] = []
    let newest: ReplicaContainer[] = []
    await waitUntil('all new replicas serve', startPatience, async () => {
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

  /** What is not of the settings of this moment. */
  async #sayWhatDiffers(): Promise<void> {
    const { newest, say } = this.#roll
    const others = (await runningReplicas()).filter(({ configHash }) => configHash !== newest.configHash)
    if (others.length > 0) {
      const names = others.map(({ name }) => name).join(', ')
      say(`${names}: other settings than those of now; docker compose up -d would replace them.`)
    }
    const former = await formerSettingsOfNginx()
    if (former) {
      say(
        `NGINX has no part in a roll, and still runs with its former settings: ${former.join(', ') || 'docker compose config says which'}.`,
      )
      say(
        'docker compose up -d nginx, with the same settings as this roll, applies the new ones; for a second or two nothing answers.',
      )
    }
  }
}

function endsAgainAndAgain(replica: ReplicaContainer): boolean {
  return replica.restarts > endsAllowed && !isHealthy(replica)
}

function countOf(replicas: number): string {
  return `${replicas} ${replicas === 1 ? 'replica' : 'replicas'}`
}

/** Also what was behind it, as where what was waited for could not be asked. */
function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const cause = error.cause instanceof Error ? ` (${error.cause.message})` : ''
  return error.message.replace(/\.$/, '') + cause
}
