// A model of the board under load: visitors, NGINX, replicas that each have one transaction under way, and the counter's row,
// which one transaction holds at a time. An event simulation without a clock of the machine: main.ts gives it measured costs
// and compares it with the real stack. It follows web/server/hits: hit-queue.ts and commit-once.ts.
//
// Simplified: each part serves in the order of arrival, nothing breaks, and a failed attempt costs no ROLLBACK and no look-up.

import { lockWait } from '../../../web/server/db/hit-store.ts'
import type { LockWait } from '../../../web/server/db/page-view-numbers.ts'
import { backoff } from '../../../web/server/hits/commit-once.ts'
import { defaultLimits, gathering } from '../../../web/server/hits/hit-queue.ts'
import { lockWaitSeconds } from '../../../web/shared/limits.ts'
import { percentile } from '../harness/load.ts'

/** s for a batch of n hits: base + n × perHit */
export type BatchCost = { base: number; perHit: number }

/** All in s, except for cores. */
export type Costs = {
  /** processor time of the client and NGINX for a page view */
  front: number
  /** processor time of a replica for a page view: half until it waits for its number, half from then on */
  page: number
  /** processor time of a replica for a batch */
  batch: BatchCost
  /** cores that a replica uses besides: it renders the page once or twice a second, whatever comes */
  rendering: number
  /** processor time of the database for a batch, all of it under the counter's lock */
  commit: BatchCost
  /** the same without a processor: a round trip to other nodes */
  agree: number
  /** until the disk has the commit, after the lock. Commits that wait for the disk share the next write. */
  flush: number
  /** one way between a replica and the database */
  hop: number
}

export type Setting = {
  costs: Costs
  replicas: number
  /** visitors that send the next page view when they have an answer, or page views a second at random times */
  load: { connections: number } | { perSecond: number }
  /** cores of one machine that runs everything; or of the database alone, with a core for each replica, and NGINX no limit */
  machine: { cores: number } | { databaseCores: number }
  /** simulated seconds that count, after as many that do not */
  seconds: number
  /** 0 to 1, as Math.random */
  random: () => number
  /** Each piece of work takes the same processor time, instead of times that vary as exponentially distributed ones around the cost. */
  steady?: boolean
  /** A batch with too little time for a whole lock wait does not wait at all, instead of for the time that it has. */
  galera?: boolean
}

export type Outcome = {
  hitsPerSecond: number
  commitsPerSecond: number
  /** hits of a commit, on average */
  batch: number
  p50Ms: number
  p99Ms: number
  meanMs: number
  /** page views in the system, on average */
  inSystem: number
  /** share of page views that got no number in time */
  failed: number
  /** of the whole run: those that came are answered, failed or open */
  totals: { came: number; answered: number; failed: number; open: number; counted: number }
}

const { batchSize, budgetMs, minMs } = defaultLimits
const budget = budgetMs / 1000

export function simulate(setting: Setting): Outcome {
  const { costs, load, machine, random } = setting
  const agenda = new Agenda()
  const factor = setting.steady ? () => 1 : () => -Math.log(1 - random())
  const processors = (cores: number) => new Processors(agenda, cores, factor)
  const shared = 'cores' in machine ? processors(machine.cores - setting.replicas * costs.rendering) : null
  const ofDatabase = 'databaseCores' in machine ? processors(machine.databaseCores) : shared
  const database = new Database(agenda, ofDatabase ?? processors(1), costs, setting.galera ?? false)
  const replicas = Array.from(
    { length: setting.replicas },
    () => new Replica(agenda, new Thread(shared ?? processors(1 - costs.rendering)), database, costs),
  )
  const figures = new Figures(agenda)

  /** NGINX's least_conn: a replica with the fewest page views under way, in turns */
  let turn = 0
  function leastBusy(): Replica {
    turn = (turn + 1) % replicas.length
    let least = replicas[turn]
    for (const replica of replicas) if (!least || replica.open < least.open) least = replica
    if (!least) throw new RangeError('the model needs a replica')
    return least
  }
  const passFront = (then: () => void) =>
    shared ? shared.run(() => costs.front / 2, then) : agenda.after(costs.front / 2, then)

  function visit(then: () => void): void {
    const cameAt = agenda.now
    figures.comes()
    passFront(() =>
      leastBusy().serve(hasNumber =>
        passFront(() => {
          figures.ends(cameAt, hasNumber)
          then()
        }),
      ),
    )
  }
  if ('connections' in load) {
    const again = () => visit(again)
    for (let n = 0; n < load.connections; n++) agenda.after(random() / 100, again)
  } else {
    const next = () => {
      visit(() => {})
      agenda.after(-Math.log(1 - random()) / load.perSecond, next)
    }
    next()
  }
  agenda.runUntil(setting.seconds)
  figures.begin(database)
  agenda.runUntil(2 * setting.seconds)
  return figures.outcome(database)
}

/** Numbers as of Math.random, the same each time. Source of the constants: https://en.wikipedia.org/wiki/Linear_congruential_generator */
export function sameNumbers(): () => number {
  let state = 1
  return () => {
    state = (Math.imul(1_664_525, state) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}

/** Events in the order of their times */
class Agenda {
  now = 0
  #heap: { at: number; order: number; act: () => void }[] = []
  #order = 0

  after(seconds: number, act: () => void): void {
    const heap = this.#heap
    const event = { at: this.now + seconds, order: this.#order++, act }
    let place = heap.length
    heap.push(event)
    while (place > 0) {
      const above = (place - 1) >> 1
      const parent = heap[above]
      if (!parent || !isBefore(event, parent)) break
      heap[place] = parent
      place = above
    }
    heap[place] = event
  }

  /** Runs all events before `end`. */
  runUntil(end: number): void {
    for (let first = this.#heap[0]; first && first.at < end; first = this.#heap[0]) {
      this.#removeFirst()
      this.now = first.at
      first.act()
    }
    this.now = end
  }

  #removeFirst(): void {
    const heap = this.#heap
    const last = heap.pop()
    if (!last || heap.length === 0) return
    let place = 0
    for (;;) {
      let below = 2 * place + 1
      let child = heap[below]
      const other = heap[below + 1]
      if (child && other && isBefore(other, child)) {
        child = other
        below++
      }
      if (!child || !isBefore(child, last)) break
      heap[place] = child
      place = below
    }
    heap[place] = last
  }
}

const isBefore = (a: { at: number; order: number }, b: { at: number; order: number }) =>
  a.at < b.at || (a.at === b.at && a.order < b.order)

type Job = { cost: () => number; done: () => void }

/** Processors that take jobs in the order in which they come. With 1.6 cores two of them run at 0.8 of the speed. */
class Processors {
  readonly #agenda: Agenda
  readonly #speed: number
  readonly #factor: () => number
  #free: number
  readonly #waiting: Job[] = []

  /** `factor`: by what the cost of a job is multiplied */
  constructor(agenda: Agenda, cores: number, factor: () => number) {
    const number = Math.max(1, Math.ceil(cores))
    this.#agenda = agenda
    this.#factor = factor
    // Rendering alone can take more than there is. It then slows down too: something is always left.
    this.#speed = Math.max(0.05, cores) / number
    this.#free = number
  }

  /** `cost`: processor s, known when the job starts */
  run(cost: () => number, done: () => void): void {
    this.#waiting.push({ cost, done })
    this.#start()
  }

  #start(): void {
    const job = this.#free > 0 ? this.#waiting.shift() : undefined
    if (!job) return
    this.#free--
    this.#agenda.after((job.cost() * this.#factor()) / this.#speed, () => {
      this.#free++
      job.done()
      this.#start()
    })
  }
}

/** The one JavaScript thread of a replica: a job at a time, on one of the processors. */
class Thread {
  readonly #processors: Processors
  readonly #waiting: Job[] = []
  #busy = false

  constructor(processors: Processors) {
    this.#processors = processors
  }

  run(cost: () => number, done: () => void): void {
    this.#waiting.push({ cost, done })
    this.#start()
  }

  /** Runs it before all that waits. */
  runNext(cost: () => number, done: () => void): void {
    this.#waiting.unshift({ cost, done })
    this.#start()
  }

  #start(): void {
    const job = this.#busy ? undefined : this.#waiting.shift()
    if (!job) return
    this.#busy = true
    this.#processors.run(job.cost, () => {
      this.#busy = false
      job.done()
      this.#start()
    })
  }
}

/** A page view that waits for its number. `settle` may be called again; only the first call counts. */
type Waiting = { deadline: number; settled: boolean; settle: (hasNumber: boolean) => void }

/** Runs a job on a thread. */
type Run = (cost: () => number, done: () => void) => void

/** Commits one batch at a time. What comes meanwhile is the next batch, which waits shortly for the visitors of the one before. */
class Replica {
  /** page views under way */
  open = 0
  readonly #agenda: Agenda
  readonly #thread: Thread
  readonly #database: Database
  readonly #costs: Costs
  #waiting: Waiting[] = []
  #running = false
  /** until when the next batch waits for how many hits */
  #gathering = { until: 0, hits: 0 }
  #onGathered: (() => void) | null = null

  constructor(agenda: Agenda, thread: Thread, database: Database, costs: Costs) {
    this.#agenda = agenda
    this.#thread = thread
    this.#database = database
    this.#costs = costs
  }

  serve(answer: (hasNumber: boolean) => void): void {
    this.open++
    const hit: Waiting = {
      deadline: this.#agenda.now + budget,
      settled: false,
      settle: hasNumber => {
        if (hit.settled) return
        hit.settled = true
        this.open--
        answer(hasNumber)
      },
    }
    const queue = () => {
      this.#agenda.after(hit.deadline - this.#agenda.now, () => hit.settle(false))
      this.#waiting.push(hit)
      if (this.#waiting.length >= this.#gathering.hits) this.#onGathered?.()
      if (this.#running) return
      this.#running = true
      // Hits that have arrived with it leave with it.
      this.#gather((cost, done) => this.#thread.run(cost, done))
    }
    this.#thread.run(() => this.#costs.page / 2, queue)
  }

  /** Waits until there are as many hits as in the last batch and behind it, or for a part of the time that its commit took. */
  #gather(run: Run): void {
    const seconds = this.#gathering.until - this.#agenda.now
    if (seconds <= 0 || this.#waiting.length >= this.#gathering.hits) {
      this.#compose(run)
      return
    }
    let gathered = false
    this.#onGathered = () => {
      if (gathered) return
      gathered = true
      this.#onGathered = null
      this.#compose(run)
    }
    this.#agenda.after(seconds, this.#onGathered)
  }

  #compose(run: Run): void {
    let batch: Waiting[] = []
    const cost = () => {
      batch = this.#inTime(this.#waiting.splice(0, batchSize))
      return batch.length === 0 ? 0 : costOf(this.#costs.batch, batch.length)
    }
    run(cost, () => this.#commit(batch, 0))
  }

  /** Those that have enough time left; the others fail. */
  #inTime(hits: Waiting[]): Waiting[] {
    for (const hit of hits) if (hit.deadline - this.#agenda.now < minMs / 1000) hit.settle(false)
    return hits.filter(hit => !hit.settled)
  }

  #commit(hits: Waiting[], attempt: number): void {
    const batch = this.#inTime(hits)
    if (batch.length === 0) {
      this.#next()
      return
    }
    const startedAt = this.#agenda.now
    const left = batch.map(hit => (hit.deadline - startedAt) * 1000)
    const wait = lockWait(Math.max(...left), Math.min(...left))
    this.#database.commit(batch.length, wait, committed => {
      if (committed) {
        const took = this.#agenda.now - startedAt
        this.#gathering = {
          until: this.#agenda.now + Math.min(gathering.maxMs / 1000, took * gathering.share),
          hits: Math.min(batchSize, batch.length + this.#waiting.length),
        }
        this.#answer(batch)
      } else
        this.#agenda.after((backoff[Math.min(attempt, backoff.length - 1)] ?? 0) / 1000, () =>
          this.#commit(batch, attempt + 1),
        )
    })
  }

  #answer(batch: Waiting[]): void {
    const cost = () => (batch.length * this.#costs.page) / 2
    this.#thread.run(cost, () => {
      for (const hit of batch) hit.settle(true)
      this.#next()
    })
  }

  /** The next batch leaves before the thread reads what has come meanwhile. */
  #next(): void {
    if (this.#waiting.length > 0) this.#gather((cost, done) => this.#thread.runNext(cost, done))
    else this.#running = false
  }
}

type Transaction = { hits: number; waiting: boolean; done: (committed: boolean) => void }

/** The counter's row, which one transaction holds at a time, and the disk. */
class Database {
  commits = 0
  counted = 0
  readonly #agenda: Agenda
  readonly #processors: Processors
  readonly #costs: Costs
  readonly #galera: boolean
  #held = false
  readonly #queue: Transaction[] = []
  #flushing = false
  #unflushed: Transaction[] = []

  constructor(agenda: Agenda, processors: Processors, costs: Costs, galera: boolean) {
    this.#agenda = agenda
    this.#processors = processors
    this.#costs = costs
    this.#galera = galera
  }

  /** `wait`: for the lock; a lock that is held for longer fails it */
  commit(hits: number, wait: LockWait, done: (committed: boolean) => void): void {
    const { hop } = this.#costs
    const transaction = {
      hits,
      waiting: true,
      done: (committed: boolean) => this.#agenda.after(hop, () => done(committed)),
    }
    this.#agenda.after(hop, () => {
      if (!this.#held) {
        this.#hold(transaction)
        return
      }
      if (wait === 0 || (this.#galera && wait !== 'session')) {
        transaction.done(false)
        return
      }
      this.#queue.push(transaction)
      this.#agenda.after(wait === 'session' ? lockWaitSeconds : wait / 1000, () => {
        if (!transaction.waiting) return
        transaction.waiting = false
        transaction.done(false)
      })
    })
  }

  #hold(transaction: Transaction): void {
    this.#held = true
    transaction.waiting = false
    const { commit, agree } = this.#costs
    this.#processors.run(
      () => costOf(commit, transaction.hits),
      () => this.#agenda.after(agree, () => this.#release(transaction)),
    )
  }

  #release(transaction: Transaction): void {
    this.commits++
    this.counted += transaction.hits
    this.#unflushed.push(transaction)
    this.#flush()
    this.#held = false
    let next = this.#queue.shift()
    while (next && !next.waiting) next = this.#queue.shift()
    if (next) this.#hold(next)
  }

  #flush(): void {
    if (this.#flushing || this.#unflushed.length === 0) return
    this.#flushing = true
    const flushed = this.#unflushed.splice(0)
    this.#agenda.after(this.#costs.flush, () => {
      this.#flushing = false
      for (const { done } of flushed) done(true)
      this.#flush()
    })
  }
}

const costOf = ({ base, perHit }: BatchCost, hits: number) => base + hits * perHit

/** Counts page views: those of the whole run, and from `begin` on their times. */
class Figures {
  readonly #agenda: Agenda
  readonly #totals = { came: 0, answered: 0, failed: 0 }
  #begun = { at: Number.POSITIVE_INFINITY, commits: 0, counted: 0, answered: 0, failed: 0 }
  /** ms, of page views that were answered */
  readonly #times: number[] = []
  #open = 0
  #openSince = 0
  /** page views under way × s */
  #area = 0

  constructor(agenda: Agenda) {
    this.#agenda = agenda
  }

  begin({ commits, counted }: Database): void {
    const { answered, failed } = this.#totals
    this.#begun = { at: this.#agenda.now, commits, counted, answered, failed }
    this.#openSince = this.#agenda.now
  }

  comes(): void {
    this.#totals.came++
    this.#changeOpen(1)
  }

  ends(cameAt: number, hasNumber: boolean): void {
    this.#totals[hasNumber ? 'answered' : 'failed']++
    this.#changeOpen(-1)
    if (hasNumber && this.#agenda.now >= this.#begun.at) this.#times.push((this.#agenda.now - cameAt) * 1000)
  }

  #changeOpen(by: number): void {
    const { now } = this.#agenda
    if (now >= this.#begun.at) {
      this.#area += this.#open * (now - this.#openSince)
      this.#openSince = now
    }
    this.#open += by
  }

  outcome({ commits, counted }: Database): Outcome {
    this.#changeOpen(0)
    const begun = this.#begun
    const seconds = this.#agenda.now - begun.at
    const times = this.#times.toSorted((a, b) => a - b)
    const answered = this.#totals.answered - begun.answered
    const failed = this.#totals.failed - begun.failed
    return {
      hitsPerSecond: answered / seconds,
      commitsPerSecond: (commits - begun.commits) / seconds,
      batch: (counted - begun.counted) / (commits - begun.commits),
      p50Ms: percentile(times, 50),
      p99Ms: percentile(times, 99),
      meanMs: times.reduce((sum, time) => sum + time, 0) / times.length,
      inSystem: this.#area / seconds,
      failed: failed / (answered + failed),
      totals: { ...this.#totals, open: this.#open, counted },
    }
  }
}
