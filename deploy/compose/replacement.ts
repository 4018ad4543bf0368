import { setTimeout as pause } from 'node:timers/promises'
import { waitUntil } from '../../tools/lib/wait.ts'
import { DrainRefused } from '../../web/server/errors.ts'
import { attemptDocker, containerLog, DockerFailed } from './docker.ts'
import { askToChange, readServers, serverIn } from './drain.ts'
import { formerSettingsOfNginx, type Version } from './project.ts'
import type { ProjectLock } from './project-lock.ts'
import { isHealthy, type ReplicaContainer, replicaContainers } from './replica-containers.ts'
import {
  askedMeanwhile,
  planRoll,
  readUnfinishedRoll,
  removeUnfinishedRoll,
  writeUnfinishedRoll,
} from './roll-plan.ts'

// Replaces the replicas of a compose project, step by step: each step looks at what is there first, since a roll before
// may have been cut short anywhere, and other commands may scale meanwhile.

/** ms in which a replica must be healthy: many that start at once share the machine. */
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

type Parts = {
  project: string
  lock: ProjectLock
  newest: Version
  /** told to stop */
  told: AbortSignal
  say: (text: string) => void
}

export class Replacement {
  readonly #parts: Parts
  /** ids of the containers to replace */
  #old = new Set<string>()
  /** how many must serve at the end */
  #wanted = 0
  /** all containers, as they were after this roll's last step: what differs later was done by another command */
  #known: ReplicaContainer[] = []
  /** runs of old containers that drain: one that is started again no longer does */
  readonly #drained = new Map<string, ReplicaContainer>()
  /** ids of the containers that this roll started */
  readonly #started = new Set<string>()
  /** ids of those that NGINX has looked up since they are healthy */
  readonly #lookedUp = new Set<string>()
  #starts = 0
  /** whether an earlier roll left new ones */
  #resumed = false
  /** whether an old one was told to stop: from then on there is no way back */
  #stopping = false

  constructor(parts: Parts) {
    this.#parts = parts
  }

  /** `atStart`: ids of the containers that were there when the command began. @throws DockerFailed */
  async run(atStart: string[]): Promise<void> {
    this.#known = await replicaContainers()
    const unfinished = await readUnfinishedRoll(this.#parts.project)
    const plan = planRoll(this.#known, this.#parts.newest, { unfinished, atStart })
    this.#old = new Set([...plan.old, ...plan.stopped].map(({ id }) => id))
    this.#wanted = plan.wanted
    this.#resumed = plan.kept.length > 0
    const isRecorded =
      unfinished?.wanted === plan.wanted && [...this.#old].every(id => unfinished.old.includes(id))
    if (!isRecorded) await this.#record()
    await this.#remove(plan.stopped)
    try {
      while (await this.#step());
    } catch (error) {
      throw await this.#giveUp(error)
    }
    await this.#tellWhatServes()
    await removeUnfinishedRoll(this.#parts.project)
  }

  /** Told to stop, while all can still be as it was. */
  get #turnsBack(): boolean {
    return this.#parts.told.aborted && !this.#stopping
  }

  /** Does the next thing that is to be done. @returns whether there was one */
  async #step(): Promise<boolean> {
    const now = await this.#look()
    const old = now.filter(({ id }) => this.#old.has(id))
    const others = now.filter(({ id }) => !this.#old.has(id))
    const [next, ...rest] = old.filter(({ running }) => running)
    const ended = others.filter(({ running }) => !running)
    if (ended.length > 0) await this.#remove(ended)
    else if (others.length < this.#wanted) await this.#start(this.#wanted - others.length)
    else if (next) {
      await this.#untilTheyServe(others)
      await this.#drain([next, ...rest])
      await this.#stop(next)
    } else if (old.length > 0) await this.#remove(old)
    else return false
    return true
  }

  /** Reads what is there, and follows another command that has scaled meanwhile. */
  async #look(): Promise<ReplicaContainer[]> {
    let now = await replicaContainers()
    if (askedMeanwhile(this.#known, now) !== null) now = await untilNothingChanges(now)
    const asked = askedMeanwhile(this.#known, now)
    this.#known = now
    if (asked !== null && asked !== this.#wanted) {
      this.#parts.say(`another command has scaled to ${asked} meanwhile`)
      this.#wanted = asked
      await this.#record()
    }
    return now
  }

  async #start(missing: number): Promise<void> {
    const before = this.#known
    if (++this.#starts > mostStarts)
      throw new DockerFailed('other commands change the number of replicas again and again')
    this.#parts.say(`starting ${missing} beside the ${before.length} that are there …`)
    try {
      // `up` runs what `web` depends on: without that (--no-deps) replicas would have another configuration hash than
      // `docker compose up` gives them, which would then replace all of them. The two that run once are removed before,
      // or those of the last version would run again.
      await this.#parts.lock.compose('rm', '--force', 'secrets', 'migrate')
      const scale = `web=${before.length + missing}`
      await this.#parts.lock.compose('up', '--detach', '--no-build', '--no-recreate', '--scale', scale, 'web')
    } catch (error) {
      // Another command took the same name in the same moment: what is there now is looked at again.
      if (!(error instanceof DockerFailed && /already in use/.test(error.message))) throw error
    }
    const started = (await replicaContainers()).filter(({ id }) => before.every(known => known.id !== id))
    for (const { id } of started) this.#started.add(id)
    this.#known = [...before, ...started]
  }

  /** Waits until they are healthy, and NGINX has looked them up. @throws DockerFailed where one does not get well */
  async #untilTheyServe(others: ReplicaContainer[]): Promise<void> {
    const { told, say } = this.#parts
    const now = async () =>
      (await replicaContainers()).filter(({ id }) => others.some(other => other.id === id))
    await waitUntil('all new replicas are healthy', startPatience, async () => {
      const replicas = await now()
      return replicas.every(isHealthy) || this.#turnsBack || replicas.some(endsAgainAndAgain)
    })
    if (this.#turnsBack) throw new DockerFailed('told to stop')
    if ((await now()).some(endsAgainAndAgain)) throw new DockerFailed('a new replica ends again and again')
    if (others.every(({ id }) => this.#lookedUp.has(id))) return
    say(`waiting ${lookUpMs / 1000} s, until NGINX has looked them up …`)
    await pause(lookUpMs, undefined, this.#stopping ? {} : { signal: told })
    for (const { id } of others) this.#lookedUp.add(id)
  }

  /** As long as no old one was stopped: ends what was started or is not well, and the old ones take new visitors again. */
  async #giveUp(error: unknown): Promise<DockerFailed> {
    const { told, project } = this.#parts
    const others = (await replicaContainers()).filter(({ id }) => !this.#old.has(id))
    const unwell = others.find(replica => !isHealthy(replica))
    const lastWords = unwell ? `\n${unwell.name} said last:\n${await containerLog(unwell.id, 5)}` : ''
    if (!this.#stopping) {
      const ended = others.filter(replica => this.#started.has(replica.id) || !isHealthy(replica))
      for (const replica of ended.filter(({ running }) => running)) await this.#end(replica)
      await this.#remove(ended)
      await this.#undrain()
      if (!this.#resumed) await removeUnfinishedRoll(project)
    }
    const left = (await replicaContainers()).filter(({ running }) => running).length
    const why = told.aborted || !(error instanceof Error) ? 'told to stop' : error.message
    const serve = this.#stopping ? `${left} replicas run` : `The ${left} replicas that ran before serve on`
    return new DockerFailed(`${why}. ${serve}.${lastWords}`)
  }

  /** All of them before the first is stopped: so a visitor who is moved is moved to a new one, and stays there. */
  async #drain(old: ReplicaContainer[]): Promise<void> {
    const open = old.filter(({ id, startedAt }) => this.#drained.get(id)?.startedAt !== startedAt)
    if (open.length === 0) return
    const speaker = (await replicaContainers()).find(
      replica => !this.#old.has(replica.id) && isHealthy(replica),
    )
    if (!speaker) throw new DockerFailed('no new replica is healthy any more')
    const servers = await readServers(speaker)
    for (const container of open) {
      this.#drained.set(container.id, container)
      const server = serverIn(container, servers)
      if (!server) continue
      this.#parts.say(`draining ${container.name}, on the board ${server.name} …`)
      if (server.state === 'draining') continue
      try {
        await askToChange({ change: 'drain', name: server.name }, speaker)
      } catch (error) {
        if (!(error instanceof DrainRefused)) throw error
        this.#parts.say(`${error.message}; it is stopped all the same`)
      }
    }
  }

  async #undrain(): Promise<void> {
    const left = (await replicaContainers()).filter(({ running }) => running)
    const drained = left.filter(({ id, startedAt }) => this.#drained.get(id)?.startedAt === startedAt)
    const speaker = left.find(isHealthy)
    if (drained.length === 0 || !speaker) return
    const servers = await readServers(speaker)
    for (const container of drained) {
      const server = serverIn(container, servers)
      if (server) await askToChange({ change: 'undrain', name: server.name }, speaker)
    }
  }

  /** One at a time: so few that NGINX still sends to are silent at once. */
  async #stop(old: ReplicaContainer): Promise<void> {
    this.#stopping = true
    await this.#end(old)
  }

  async #end({ id, name, state }: ReplicaContainer): Promise<void> {
    this.#parts.say(`stopping ${name} …`)
    if (state === 'paused') await this.#parts.lock.docker(['unpause', id])
    await this.#parts.lock.docker(['stop', id]).catch(unlessGone)
  }

  /** Together, when all have stopped: the fewer are there for a moment, the less another command can misread. */
  async #remove(stopped: ReplicaContainer[]): Promise<void> {
    if (stopped.length === 0) return
    this.#parts.say(`removing ${stopped.map(({ name }) => name).join(', ')} …`)
    const ids = stopped.map(({ id }) => id)
    await this.#parts.lock.docker(['rm', '--force', ...ids]).catch(unlessGone)
    this.#known = this.#known.filter(({ id }) => !ids.includes(id))
  }

  /** @throws DockerFailed where fewer serve than must */
  async #tellWhatServes(): Promise<void> {
    let serving: ReplicaContainer[] = []
    await waitUntil('all new replicas serve', startPatience, async () => {
      serving = await servingReplicas()
      return serving.length >= this.#wanted
    }).catch(() => {
      throw new DockerFailed(
        `only ${serving.length} replicas serve, of ${this.#wanted}: docker compose ps says more`,
      )
    })
    const { image, configHash } = this.#parts.newest
    const isNewest = (replica: ReplicaContainer) =>
      replica.image === image && (replica.configHash === configHash || this.#started.has(replica.id))
    const newest = serving.filter(isNewest)
    const asIf = newest.length < serving.length ? `${serving.length} replicas serve, ` : ''
    this.#parts.say(`done: ${asIf}${newest.length} replicas of the newest version serve.`)
    const others = serving.filter(replica => !isNewest(replica) || replica.configHash !== configHash)
    if (others.length > 0) {
      const names = others.map(({ name }) => name).join(', ')
      this.#parts.say(`${names}: other settings than those of now; docker compose up -d would replace them.`)
    }
    const former = await formerSettingsOfNginx()
    if (former) {
      this.#parts.say(
        `NGINX has no part in a roll, and still runs with its former settings: ${former.join(', ') || 'docker compose config says which'}.`,
      )
      this.#parts.say(
        'docker compose up -d nginx, with the same settings as this roll, applies the new ones; for a second or two nothing answers.',
      )
    }
  }

  #record(): Promise<void> {
    return writeUnfinishedRoll(this.#parts.project, { wanted: this.#wanted, old: [...this.#old] })
  }
}

/** Until another command that is at work has ended: for two seconds no container came or went. */
async function untilNothingChanges(first: ReplicaContainer[]): Promise<ReplicaContainer[]> {
  const idsOf = (replicas: ReplicaContainer[]) => replicas.map(({ id }) => id).join()
  let last = first
  let since = performance.now()
  await waitUntil('no other command changes the replicas', startPatience, async () => {
    const now = await replicaContainers()
    if (idsOf(now) !== idsOf(last)) since = performance.now()
    last = now
    return performance.now() - since > 2000
  })
  return last
}

/** Docker found it well at its last look, and it answers now. */
async function servingReplicas(): Promise<ReplicaContainer[]> {
  const healthy = (await replicaContainers()).filter(isHealthy)
  const answers = await Promise.all(healthy.map(answersNow))
  return healthy.filter((_, index) => answers[index])
}

/** The question that compose's health check asks. */
async function answersNow({ id }: ReplicaContainer): Promise<boolean> {
  const question = `exec 3<>/dev/tcp/127.0.0.1/3000; printf 'GET /health/live HTTP/1.0\\r\\n\\r\\n' >&3; read -r _ status _ <&3; [[ $status == 200 ]]`
  return (await attemptDocker(['exec', id, 'timeout', '5', 'bash', '-c', question])).status === 0
}

function endsAgainAndAgain(replica: ReplicaContainer): boolean {
  return replica.restarts > endsAllowed && !isHealthy(replica)
}

/** Another command may have removed it meanwhile. */
function unlessGone(error: unknown): string {
  if (error instanceof DockerFailed && /no such container/i.test(error.message)) return ''
  throw error
}
