// The metrics of a replica, which Prometheus reads at `/metrics`. web/server/replica/services.ts creates them and connects
// them with the parts that they measure. What happens at every page view is added to plain numbers (histogram.ts); what
// a part knows anyway is read when Prometheus reads the metrics. page-view-stats.ts has the figures of the server's row.
// docs/operations.md lists all of them.

import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client'
import manifest from '../../../package.json' with { type: 'json' }
import { type Arrival, type Audit, arrivals, type ServerState, type Snapshot } from '../../shared/api.ts'
import type { CommitFailureKind, HitTimes } from '../hits/hit.ts'
import type { Identity } from '../identity.ts'
import { FastHistogram } from './histogram.ts'

/** What is read when Prometheus reads the metrics. */
type Sources = {
  queued(): number
  streams(): number
  liveTicks(): number
  liveSentBytes(): number
  draining(): boolean
  databaseUp(): boolean
  /** a recent snapshot; the last one if the database does not answer, null if there is none */
  board(): Promise<Pick<Snapshot, 'counter' | 'servers'> | null>
}

export type Metrics = ReturnType<typeof createMetrics>

/** Upper bounds in seconds, up to the time in which a page view has its number or none. */
const seconds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 1.5, 2]
const shortSeconds = [0.0001, 0.00025, 0.0005, ...seconds]
const batchSizes = [1, 2, 5, 10, 20, 50, 100, 200, 500]

const states: ServerState[] = ['joining', 'up', 'draining', 'lost', 'stopped']
/** Codes of the errors that answer a page view. All exist from the start: a rate needs a value before the first error. */
const failureCodes = [
  'overloaded',
  'counter_unavailable',
  'outcome_unknown',
  'shutting_down',
  'database_unavailable',
  'internal_error',
]
const commitFailureKinds: CommitFailureKind[] = ['contention', 'refused', 'away']

/** `logRetentionDays`: days that a row of the log stays */
export function createMetrics(identity: Identity, sources: Sources, logRetentionDays: number) {
  const registry = new Registry()
  // ms between two samples of the event loop's lag: they are the most frequent work of a replica without visitors.
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: 100 })
  // These sums are gauges, but have names of counters. The metrics that they add up stay.
  for (const what of ['handles', 'requests', 'resources'])
    registry.removeSingleMetric(`nodejs_active_${what}_total`)
  const registers = [registry]
  const gauge = (name: string, help: string) => new Gauge({ name, help, registers })
  const counter = (name: string, help: string) => new Counter({ name, help, registers })
  const gaugeOf = (name: string, help: string, read: () => number) =>
    new Gauge({
      name,
      help,
      registers,
      collect() {
        this.set(read())
      },
    })
  const counterOf = (name: string, help: string, read: () => number) =>
    new Counter({
      name,
      help,
      registers,
      collect() {
        this.reset()
        this.inc(read())
      },
    })

  const info = new Gauge({
    name: 'balance_board_server_info',
    help: 'Always 1; the labels describe the replica. address: as NGINX knows it',
    labelNames: ['srv_id', 'version', 'address'] as const,
    registers,
  })
  info.set({ srv_id: identity.srv_id, version: manifest.version, address: identity.address }, 1)

  const hits: Record<Arrival, number> = { new: 0, returning: 0, moved: 0 }
  new Counter({
    name: 'balance_board_hits_total',
    help: 'Page views counted and answered, by the arrival of the visitor',
    labelNames: ['arrival'] as const,
    registers,
    collect() {
      this.reset()
      for (const arrival of arrivals) this.inc({ arrival }, hits[arrival])
    },
  })
  const hitDuration = new FastHistogram({
    name: 'balance_board_hit_duration_seconds',
    help: 'From a page view to its answer, inside the replica',
    buckets: seconds,
    registers,
  }).child()
  const phases = new FastHistogram({
    name: 'balance_board_hit_phase_duration_seconds',
    help: 'Parts of a page view. queue: until its batch leaves, with admission and the wait for a page; commit: until it has its number; fill_in: until it is answered',
    buckets: shortSeconds,
    registers,
    children: { label: 'phase', values: ['queue', 'commit', 'fill_in'] },
  })
  const [queuePhase, commitPhase, fillInPhase] = [
    phases.child('queue'),
    phases.child('commit'),
    phases.child('fill_in'),
  ]
  const failures = new Counter({
    name: 'balance_board_failed_page_views_total',
    help: 'Page views answered with an error, by its code; only outcome_unknown may be in the log',
    labelNames: ['code'] as const,
    registers,
  })
  for (const code of failureCodes) failures.inc({ code }, 0)

  gaugeOf('balance_board_queued_hits', 'Page views that wait for a batch to leave', sources.queued)
  const batchSize = new FastHistogram({
    name: 'balance_board_batch_hits',
    help: 'Page views in one transaction',
    buckets: batchSizes,
    registers,
  }).child()
  const commitDuration = new FastHistogram({
    name: 'balance_board_commit_duration_seconds',
    help: 'Duration of a transaction that gave numbers, without failed attempts',
    buckets: shortSeconds,
    registers,
  }).child()
  const failedCommits = new Counter({
    name: 'balance_board_failed_commits_total',
    help: 'Failed attempts to commit a batch, including probes. contention: a lock was held; refused: the database cannot do it; away: no answer',
    labelNames: ['kind'] as const,
    registers,
  })
  for (const kind of commitFailureKinds) failedCommits.inc({ kind }, 0)

  gaugeOf('balance_board_database_up', '1 while the database takes transactions of this replica', () =>
    Number(sources.databaseUp()),
  )
  gaugeOf('balance_board_draining', '1 while the replica takes no new visitors', () =>
    Number(sources.draining()),
  )
  gaugeOf('balance_board_live_streams', 'Dashboards connected', sources.streams)
  counterOf(
    'balance_board_live_ticks_total',
    'Readings of the board for connected dashboards',
    sources.liveTicks,
  )
  counterOf(
    'balance_board_live_sent_bytes_total',
    'Bytes written to connected dashboards, as encoded',
    sources.liveSentBytes,
  )
  const renderDuration = new FastHistogram({
    name: 'balance_board_render_duration_seconds',
    help: 'Duration of a rendering of the page by Next. One serves many page views',
    buckets: seconds,
    registers,
  }).child()

  const counterValue = gauge(
    'balance_board_newest_number',
    'The counter: the number of the newest hit, as the replica read it last',
  )
  const servers = new Gauge({
    name: 'balance_board_servers',
    help: 'Servers that the board shows, by state. A lost one is shown for a minute after its last heartbeat',
    labelNames: ['state'] as const,
    registers,
  })
  const auditDifference = new Gauge({
    name: 'balance_board_audit_difference',
    help: 'What the counter is above the rows of the log, kept and removed, or above the hits of all servers; 0 if they agree',
    labelNames: ['between'] as const,
    registers,
  })
  const auditConsistent = gauge(
    'balance_board_audit_consistent',
    '1 if counter, log and servers agreed in the last audit; also before the first one',
  )
  const auditedAt = gauge(
    'balance_board_audit_last_success_timestamp_seconds',
    'When this replica last finished an audit, whatever it found; 0 before the first one',
  )
  const noteAudit = (
    { counter, rows, purged, sum_hits, consistent }: Omit<Audit, 'max_id'>,
    atMs: number,
  ) => {
    auditDifference.set({ between: 'counter_and_log' }, counter - rows - purged)
    auditDifference.set({ between: 'counter_and_servers' }, counter - sum_hits)
    auditConsistent.set(Number(consistent))
    auditedAt.set(atMs / 1000)
  }
  noteAudit({ counter: 0, rows: 0, purged: 0, sum_hits: 0, consistent: true }, 0)

  gauge('balance_board_log_retention_seconds', 'How long a row of the log stays, at most').set(
    logRetentionDays * 86_400,
  )
  const oldestRow = gauge(
    'balance_board_log_oldest_row_timestamp_seconds',
    'Time of the oldest row of the log; the time of the reading if the log is empty',
  )

  return {
    contentType: registry.contentType,
    /** The metrics as Prometheus reads them. */
    async text(): Promise<string> {
      // A replica can get another name (web/server/lifecycle/own-row.ts).
      registry.setDefaultLabels({ server: identity.name })
      const board = await sources.board()
      if (board) {
        counterValue.set(board.counter)
        for (const state of states)
          servers.set({ state }, board.servers.filter(server => server.state === state).length)
      }
      return registry.metrics()
    },
    /** A page view was counted and answered. Times are ms on the clock of `performance.now()`. */
    recordHit(arrival: Arrival, startedAt: number, { leftAt, countedAt }: HitTimes, endedAt: number): void {
      hits[arrival]++
      hitDuration.record((endedAt - startedAt) / 1000)
      queuePhase.record((leftAt - startedAt) / 1000)
      commitPhase.record((countedAt - leftAt) / 1000)
      fillInPhase.record((endedAt - countedAt) / 1000)
    },
    failures,
    batchSize,
    commitDuration,
    failedCommits,
    commitRetries: counter(
      'balance_board_commit_retries_total',
      'Attempts to commit a batch after a failed one',
    ),
    duplicateHits: counter(
      'balance_board_duplicate_hits_total',
      'Page views that already had their number: NGINX had sent them twice, or the answer to their commit was lost',
    ),
    renderDuration,
    noteAudit,
    oldestRow,
    purgedRows: counter(
      'balance_board_purged_log_rows_total',
      'Rows of the log that this replica removed for their age or number',
    ),
    forgottenRequestIds: counter(
      'balance_board_forgotten_request_ids_total',
      'Request ids that this replica forgot, ten minutes after their hit',
    ),
    retentionStopped: gauge(
      'balance_board_retention_stopped',
      '1 while nothing is removed from the log because the clock of the database jumped',
    ),
    counterWentBack: counter(
      'balance_board_number_went_back_total',
      'Times that the counter was lower than before, as after a restore',
    ),
  }
}
