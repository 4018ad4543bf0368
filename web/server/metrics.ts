import { createHistogram, type RecordableHistogram } from 'node:perf_hooks'
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'

/** Metrics of the process and of its page views, for `/metrics`. `gauges` are read on each scrape. */
export function createMetrics(
  server: { name: string; srv_id: string },
  gauges: { queued(): number; streams(): number },
) {
  const registry = new Registry()
  registry.setDefaultLabels({ server: server.name, srv_id: server.srv_id })
  collectDefaultMetrics({ register: registry })
  const registers = [registry]
  new Gauge({
    name: 'balance_board_queued_hits',
    help: 'Page views that wait for a batch to leave',
    registers,
    collect() {
      this.set(gauges.queued())
    },
  })
  new Gauge({
    name: 'balance_board_live_streams',
    help: 'Dashboards connected',
    registers,
    collect() {
      this.set(gauges.streams())
    },
  })
  return {
    registry,
    hits: new Counter({
      name: 'balance_board_hits_total',
      help: 'Page views counted and answered',
      registers,
    }),
    hitSeconds: new Histogram({
      name: 'balance_board_hit_seconds',
      help: 'From a page view to its answer, inside the replica',
      buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 1.5],
      registers,
    }),
    failures: new Counter({
      name: 'balance_board_failed_page_views_total',
      help: 'Page views answered with an error, by its code; only outcome_unknown may be in the log',
      labelNames: ['code'] as const,
      registers,
    }),
    failedCommits: new Counter({
      name: 'balance_board_failed_commits_total',
      help: 'Failed attempts to commit a batch, including probes, by the error of the database or the driver',
      labelNames: ['code'] as const,
      registers,
    }),
    purgedRows: new Counter({
      name: 'balance_board_purged_log_rows_total',
      help: 'Rows of the log that this replica removed for their age or number',
      registers,
    }),
    forgottenRequestIds: new Counter({
      name: 'balance_board_forgotten_request_ids_total',
      help: 'Request ids that this replica forgot, ten minutes after their hit',
      registers,
    }),
    retentionStopped: new Gauge({
      name: 'balance_board_retention_stopped',
      help: '1 while nothing is removed from the log because the clock of the database jumped',
      registers,
    }),
    counterWentBack: new Counter({
      name: 'balance_board_counter_went_back_total',
      help: 'Times that the counter was lower than before, as after a restore',
      registers,
    }),
    batchSize: new Histogram({
      name: 'balance_board_batch_hits',
      help: 'Page views in one transaction',
      buckets: [1, 2, 5, 10, 20, 50, 100, 200, 500],
      registers,
    }),
  }
}

/** Recent stats cover this many windows of one heartbeat each. */
const windows = 3

type Window = { startedAt: number; hits: number; durations: RecordableHistogram }

/** Stats of this replica's recent page views, for its row in `server`. Times are ms, by the given clock. */
export class PageViewStats {
  readonly #now: () => number
  #windows: Window[]
  readonly #errors = new Map<string, number>()

  constructor(now: () => number = () => performance.now()) {
    this.#now = now
    this.#windows = [this.#openWindow()]
  }

  recordHit(durationMs: number): void {
    const window = this.#windows.at(-1)
    if (!window) return
    window.hits++
    window.durations.record(Math.max(1, Math.round(durationMs * 1000)))
  }

  recordError(code: string): void {
    this.#errors.set(code, (this.#errors.get(code) ?? 0) + 1)
  }

  /** Page views answered with an error since the start: the sum, and by code. */
  get errors(): { errors: number; errorCodes: Record<string, number> } {
    const errors = [...this.#errors.values()].reduce((sum, count) => sum + count, 0)
    return { errors, errorCodes: Object.fromEntries(this.#errors) }
  }

  /** Stats over the last windows; opens a new window. Called at every heartbeat. */
  roll(): { rate: number; p50Ms: number | null; p99Ms: number | null } {
    const all = createHistogram()
    for (const window of this.#windows) all.add(window.durations)
    const hits = this.#windows.reduce((sum, window) => sum + window.hits, 0)
    const seconds = (this.#now() - (this.#windows[0]?.startedAt ?? 0)) / 1000
    this.#windows = [...this.#windows, this.#openWindow()].slice(-windows)
    return {
      rate: seconds > 0 ? hits / seconds : 0,
      p50Ms: hits > 0 ? all.percentile(50) / 1000 : null,
      p99Ms: hits > 0 ? all.percentile(99) / 1000 : null,
    }
  }

  #openWindow(): Window {
    return { startedAt: this.#now(), hits: 0, durations: createHistogram() }
  }
}
