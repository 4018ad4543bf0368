import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'

/** What `/metrics` tells: the process, and what became of page views. */
export type Metrics = ReturnType<typeof createMetrics>

/** `figures` are read when somebody asks. */
export function createMetrics(
  server: { name: string; srv_id: string },
  figures: { queued(): number; streams(): number },
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
      this.set(figures.queued())
    },
  })
  new Gauge({
    name: 'balance_board_live_streams',
    help: 'Dashboards connected',
    registers,
    collect() {
      this.set(figures.streams())
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
      help: 'Page views answered with an error, by its code; only outcome_unknown may stand in the log',
      labelNames: ['code'] as const,
      registers,
    }),
    failedCommits: new Counter({
      name: 'balance_board_failed_commits_total',
      help: 'Attempts to commit a batch that failed, probes among them, by the error of the database or the driver',
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
