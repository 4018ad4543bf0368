// The dashboard `replica`: one server from the inside. The variable `server` chooses it.
import {
  QueryVariableBuilder,
  VariableRefresh,
  VariableSort,
} from '@grafana/grafana-foundation-sdk/dashboard'
import { dashboard, graph, heatmap, prometheus, stat } from './panels.ts'

const ofServer = 'server=~"$server"'
const one = (metric: string, labels = '') => `${metric}{${[ofServer, labels].filter(Boolean).join(',')}}`
const rate = (metric: string, labels?: string) => `rate(${one(metric, labels)}[$__rate_interval])`
const quantile = (share: number, histogram: string, by = 'le') =>
  `histogram_quantile(${share}, sum by (${by}) (${rate(`${histogram}_bucket`)}))`
const quantiles = (histogram: string): [string, string][] => [
  [quantile(0.5, histogram), 'p50'],
  [quantile(0.95, histogram), 'p95'],
  [quantile(0.99, histogram), 'p99'],
]
const mean = (histogram: string, by: string) =>
  `sum by (${by}) (${rate(`${histogram}_sum`)}) / sum by (${by}) (${rate(`${histogram}_count`)})`

const server = new QueryVariableBuilder('server')
  .label('Server')
  .description('The server to look into')
  .datasource(prometheus)
  .query('label_values(balance_board_server_info, server)')
  .refresh(VariableRefresh.OnTimeRangeChanged)
  .sort(VariableSort.AlphabeticalAsc)
  .build()

const now = [
  stat({
    title: 'Version and address',
    description: 'The version that runs, and the address under which NGINX knows this server.',
    unit: 'short',
    queries: [[one('balance_board_server_info'), '{{version}} at {{address}}']],
    named: true,
    width: 6,
  }),
  stat({
    title: 'Runs for',
    description: 'Time since the process started.',
    unit: 's',
    queries: [[`time() - ${one('process_start_time_seconds')}`, 'runs for']],
  }),
  stat({
    title: 'Page views',
    description: 'Page views a second that this server counted and answered.',
    unit: 'reqps',
    queries: [[`sum(${rate('balance_board_hits_total')})`, 'page views']],
  }),
  stat({
    title: 'Database',
    description: 'Whether the database answers this server.',
    unit: 'short',
    queries: [[one('balance_board_database_up'), 'database']],
    words: { 0: 'away', 1: 'answers' },
    steps: [
      [null, 'red'],
      [1, 'green'],
    ],
  }),
  stat({
    title: 'New visitors',
    description: 'Whether this server takes new visitors, or is draining.',
    unit: 'short',
    queries: [[one('balance_board_draining'), 'drain']],
    words: { 0: 'taken', 1: 'draining' },
    steps: [
      [null, 'green'],
      [1, 'orange'],
    ],
  }),
  stat({
    title: 'Memory',
    description: 'Memory of the process that is in RAM.',
    unit: 'bytes',
    queries: [[one('process_resident_memory_bytes'), 'memory']],
  }),
  stat({
    title: 'CPU',
    description: 'Cores that the process uses. 1 is one whole core.',
    unit: 'short',
    queries: [[rate('process_cpu_seconds_total'), 'cores']],
  }),
]

const pageViews = [
  graph({
    title: 'Page views by arrival',
    description: 'Page views a second that this server counted: new, returning and moved visitors.',
    unit: 'reqps',
    queries: [[`sum by (arrival) (${rate('balance_board_hits_total')})`, '{{arrival}}']],
    stacked: true,
  }),
  graph({
    title: 'Errors by code',
    description: 'Page views a second that this server answered with an error.',
    unit: 'reqps',
    queries: [[`sum by (code) (${rate('balance_board_failed_page_views_total')})`, '{{code}}']],
  }),
  heatmap({
    title: 'Duration of page views',
    description: 'How many page views took how long inside this server.',
    unit: 's',
    queries: [
      [
        `sum by (le) (increase(${one('balance_board_hit_duration_seconds_bucket')}[$__rate_interval]))`,
        '{{le}}',
      ],
    ],
  }),
  graph({
    title: 'Mean time of each phase',
    description:
      'queue: admission, the wait for a page, and for the batch under way. commit: the transaction. fill_in: number and address into the page.',
    unit: 's',
    queries: [[mean('balance_board_hit_phase_duration_seconds', 'phase'), '{{phase}}']],
    stacked: true,
  }),
  graph({
    title: 'Each phase, p95',
    description: '95 % of page views passed each phase within this time.',
    unit: 's',
    queries: [[quantile(0.95, 'balance_board_hit_phase_duration_seconds', 'le, phase'), '{{phase}}']],
  }),
  graph({
    title: 'Duration in percentiles',
    description: 'Half, 95 % and 99 % of page views took at most this time inside this server.',
    unit: 's',
    queries: quantiles('balance_board_hit_duration_seconds'),
  }),
]

const batches = [
  graph({
    title: 'Queue',
    description: 'Page views that wait for the batch under way to be committed, at the time of a scrape.',
    unit: 'short',
    queries: [[one('balance_board_queued_hits'), 'waiting']],
  }),
  graph({
    title: 'Page views in a batch',
    description:
      'Mean and 95th percentile of page views that share one transaction. Batches grow with the load.',
    unit: 'short',
    queries: [
      [mean('balance_board_batch_hits', 'server'), 'mean'],
      [quantile(0.95, 'balance_board_batch_hits'), 'p95'],
    ],
  }),
  graph({
    title: 'Batches',
    description: 'Transactions a second. One batch is under way at a time.',
    unit: 'ops',
    queries: [[`sum(${rate('balance_board_batch_hits_count')})`, 'batches']],
  }),
  graph({
    title: 'Duration of a commit',
    description: 'From sending a batch to the answer of the database. It includes writing to disk.',
    unit: 's',
    queries: quantiles('balance_board_commit_duration_seconds'),
  }),
  graph({
    title: 'Commits that needed more',
    description: 'Failed attempts, repetitions, and page views that already had their number, a second.',
    unit: 'ops',
    queries: [
      [`sum by (kind) (${rate('balance_board_failed_commits_total')})`, 'failed: {{kind}}'],
      [`sum(${rate('balance_board_commit_retries_total')})`, 'repetitions'],
      [`sum(${rate('balance_board_duplicate_hits_total')})`, 'had their number'],
    ],
  }),
  graph({
    title: 'Retention',
    description: 'Log rows and request ids that this server removed, a second.',
    unit: 'ops',
    queries: [
      [`sum(${rate('balance_board_purged_log_rows_total')})`, 'log rows'],
      [`sum(${rate('balance_board_forgotten_request_ids_total')})`, 'request ids'],
    ],
  }),
]

const page = [
  graph({
    title: 'Duration of a rendering',
    description: 'How long Next took to render the page. A rendering serves all visitors until the next one.',
    unit: 's',
    queries: quantiles('balance_board_render_duration_seconds'),
  }),
  graph({
    title: 'Renderings',
    description: 'Renderings of the page a second. At most two are needed, however many visitors there are.',
    unit: 'ops',
    queries: [[`sum(${rate('balance_board_render_duration_seconds_count')})`, 'renderings']],
  }),
  graph({
    title: 'Open dashboards',
    description: 'Streams of the live feed that are connected to this server.',
    unit: 'short',
    queries: [[one('balance_board_live_streams'), 'streams']],
  }),
  graph({
    title: 'Live feed',
    description: 'Changes a second that were pushed to the open dashboards together.',
    unit: 'ops',
    queries: [[`sum(${rate('balance_board_live_ticks_total')})`, 'ticks']],
  }),
  graph({
    title: 'Bytes of the live feed',
    description: 'Bytes a second that were written to the open dashboards, as encoded.',
    unit: 'Bps',
    queries: [[`sum(${rate('balance_board_live_sent_bytes_total')})`, 'sent']],
  }),
]

const node = [
  graph({
    title: 'Lag of the event loop',
    description:
      'Time between two samples of the event loop: 100 ms if none is late. A sample is late while something else runs, and everything in this process waits for that.',
    unit: 's',
    queries: [
      [one('nodejs_eventloop_lag_p50_seconds'), 'p50'],
      [one('nodejs_eventloop_lag_p90_seconds'), 'p90'],
      [one('nodejs_eventloop_lag_p99_seconds'), 'p99'],
      [one('nodejs_eventloop_lag_max_seconds'), 'longest'],
    ],
  }),
  graph({
    title: 'CPU over time',
    description: 'Cores used by the process, in its code and in the kernel.',
    unit: 'short',
    queries: [
      [rate('process_cpu_user_seconds_total'), 'user'],
      [rate('process_cpu_system_seconds_total'), 'kernel'],
    ],
    stacked: true,
  }),
  graph({
    title: 'Memory over time',
    description: 'RAM of the process, its JavaScript heap, and buffers outside the heap.',
    unit: 'bytes',
    queries: [
      [one('process_resident_memory_bytes'), 'in RAM'],
      [one('nodejs_heap_size_total_bytes'), 'heap'],
      [one('nodejs_heap_size_used_bytes'), 'heap in use'],
      [one('nodejs_external_memory_bytes'), 'outside the heap'],
    ],
  }),
  graph({
    title: 'Garbage collection',
    description: 'Share of the time that garbage collection took, by its kind.',
    unit: 'percentunit',
    queries: [[`sum by (kind) (${rate('nodejs_gc_duration_seconds_sum')})`, '{{kind}}']],
    stacked: true,
  }),
  graph({
    title: 'Open files and sockets',
    description: 'File descriptors of the process. Each connection uses one.',
    unit: 'short',
    queries: [[one('process_open_fds'), 'open']],
  }),
]

export const replicaDashboard = dashboard({
  uid: 'balance-board-replica',
  title: 'Balance Board: one server inside',
  description:
    'One server from the inside: page views, batches, rendering, the live feed, and its Node process.',
  variables: [server],
  rows: [
    ['Now', now],
    ['Page views', pageViews],
    ['Batches and the database', batches],
    ['Page and live feed', page],
    ['Process', node],
  ],
})
