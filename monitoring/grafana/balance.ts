// The dashboard `balance`: what visitors get, how visits spread over the servers, and whether the count is right.
import { dashboard, graph, heatmap, stat, timeline } from './panels.ts'

const pageViews = 'balance_board_nginx_page_views_total'
const durations = 'balance_board_nginx_page_view_duration_seconds'
const hits = 'balance_board_hits_total'
const tries = 'balance_board_nginx_upstream_tries_total'

/** The windows of the alerts on the error budget. */
const burnWindows = ['1h', '6h', '1d', '3d']

const rate = (metric: string) => `rate(${metric}[$__rate_interval])`
const quantile = (share: number, histogram: string, by = 'le') =>
  `histogram_quantile(${share}, sum by (${by}) (${rate(`${histogram}_bucket`)}))`
/** Nothing while the database is away: the servers then show what they read last. */
const known = (query: string) => `${query} and on () max(balance_board_database_up) == 1`
/** How many times faster than allowed the budget is used up; `budget` is the allowed share of bad page views. */
const burn = (ratio: string, budget: number): [string, string][] =>
  burnWindows.map(window => [`${ratio}:ratio_rate${window} / ${budget}`, window])

const now = [
  stat({
    title: 'Available',
    description:
      'Share of page views in the last hour that got the page and no 5xx. Refusals are left out. The goal is 99.9 %.',
    unit: 'percentunit',
    queries: [['1 - board:page_view_errors:ratio_rate1h', 'available']],
    steps: [
      [null, 'red'],
      [0.999, 'green'],
    ],
  }),
  stat({
    title: 'Within 250 ms',
    description: 'Share of pages in the last hour that NGINX had within 250 ms. The goal is 99 %.',
    unit: 'percentunit',
    queries: [['1 - board:page_view_slow:ratio_rate1h', 'fast enough']],
    steps: [
      [null, 'red'],
      [0.99, 'green'],
    ],
  }),
  stat({
    title: 'Page views',
    description: 'Page views a second that NGINX answered, with any status.',
    unit: 'reqps',
    queries: [[`sum(${rate(pageViews)})`, 'page views']],
  }),
  stat({
    title: 'p99',
    description: '99 % of page views took at most this time, from the request to the page at NGINX.',
    unit: 's',
    queries: [[quantile(0.99, durations), 'p99']],
    steps: [
      [null, 'green'],
      [0.25, 'orange'],
      [1, 'red'],
    ],
  }),
  stat({
    title: 'Servers up',
    description:
      'Servers whose heartbeat in the database is recent and that take new visitors. Nothing while the database is away.',
    unit: 'short',
    queries: [[known('max(balance_board_servers{state="up"})'), 'up']],
    steps: [
      [null, 'red'],
      [1, 'orange'],
      [2, 'green'],
    ],
  }),
  stat({
    title: 'Counter',
    description: 'The newest number that a page view got, as far as the servers know it.',
    unit: 'locale',
    queries: [['max(balance_board_newest_number)', 'counter']],
  }),
  stat({
    title: 'Audit',
    description: 'Whether the counter, the log and the sums of the servers agreed in the last audit.',
    unit: 'short',
    queries: [['min(balance_board_audit_consistent)', 'audit']],
    words: { 0: 'differ', 1: 'agree' },
    steps: [
      [null, 'red'],
      [1, 'green'],
    ],
  }),
  stat({
    title: 'Alerts firing',
    description: 'Alerts that fire now, without Watchdog, which always fires.',
    unit: 'short',
    queries: [['count(ALERTS{alertstate="firing",alertname!="Watchdog"}) or vector(0)', 'alerts']],
    steps: [
      [null, 'green'],
      [1, 'red'],
    ],
  }),
]

const visitors = [
  graph({
    title: 'Page views by status',
    description:
      'Page views a second by the status that NGINX sent. 429 is a refusal by a limit, 5xx a failure.',
    unit: 'reqps',
    queries: [[`sum by (status) (${rate(pageViews)})`, '{{status}}']],
    stacked: true,
  }),
  graph({
    title: 'Failed page views',
    description:
      'Share of page views that got a 5xx and not the page. Refusals are left out; a retry that succeeded is no failure.',
    unit: 'percentunit',
    queries: [
      [
        `(sum(${rate(`${pageViews}{status=~"5.."}`)}) or vector(0)) / sum(${rate(`${pageViews}{status=~"200|5.."}`)})`,
        'answered with a 5xx',
      ],
    ],
  }),
  heatmap({
    title: 'Duration of page views',
    description:
      'How many page views with status 200 took how long, from the complete request until NGINX had the whole page.',
    unit: 's',
    queries: [[`sum by (le) (increase(${durations}_bucket[$__rate_interval]))`, '{{le}}']],
  }),
  graph({
    title: 'Duration in percentiles',
    description: 'Half, 95 % and 99 % of page views took at most this time at NGINX.',
    unit: 's',
    queries: [
      [quantile(0.5, durations), 'p50'],
      [quantile(0.95, durations), 'p95'],
      [quantile(0.99, durations), 'p99'],
    ],
  }),
]

const balance = [
  graph({
    title: 'Share of each server',
    description:
      'Share of the counted page views that each server answered. Equal shares need many visitors.',
    unit: 'percentunit',
    queries: [[`sum by (server) (${rate(hits)}) / on () group_left () sum(${rate(hits)})`, '{{server}}']],
    stacked: true,
    most: 1,
  }),
  graph({
    title: 'New visitors of each server',
    description: 'Visitors without a cookie. NGINX gives them to the server with the fewest connections.',
    unit: 'reqps',
    queries: [[`sum by (server) (${rate(`${hits}{arrival="new"}`)})`, '{{server}}']],
  }),
  graph({
    title: 'How visitors arrived',
    description:
      'new: without a cookie. returning: at the server of their cookie. moved: their server did not take them.',
    unit: 'reqps',
    queries: [[`sum by (arrival) (${rate(hits)})`, '{{arrival}}']],
    stacked: true,
  }),
  graph({
    title: 'Tries at each server',
    description:
      'Requests a second that NGINX sent to each address, failed tries of a retried request included.',
    unit: 'reqps',
    queries: [[`sum by (address) (${rate(tries)})`, '{{address}}']],
  }),
  graph({
    title: 'Tries by outcome',
    description: 'What the servers answered to NGINX. A 502 or 504 here is a server that did not answer.',
    unit: 'reqps',
    queries: [[`sum by (status) (${rate(tries)})`, '{{status}}']],
  }),
  graph({
    title: 'Retries that NGINX hid',
    description:
      'Page views a second that needed more than one try. Visitors see a longer wait and no failure.',
    unit: 'reqps',
    queries: [[`sum(${rate('balance_board_nginx_retried_page_views_total')})`, 'page views']],
  }),
  graph({
    title: 'Time of each server, p95',
    description: '95 % of the page views at each address were answered within this time, as NGINX saw it.',
    unit: 's',
    queries: [
      [quantile(0.95, 'balance_board_nginx_upstream_duration_seconds', 'le, address'), '{{address}}'],
    ],
  }),
  graph({
    title: 'Errors that servers answered',
    description:
      'Page views a second that a server answered with an error, by its code. The API documentation lists the codes.',
    unit: 'reqps',
    queries: [[`sum by (code) (${rate('balance_board_failed_page_views_total')})`, '{{code}}']],
  }),
]

const servers = [
  graph({
    title: 'Servers by state',
    description:
      'From the table `server`: up, draining, lost (no heartbeat for six seconds) and stopped. A gap: the database was away.',
    unit: 'short',
    queries: [[known('max by (state) (balance_board_servers)'), '{{state}}']],
  }),
  timeline({
    title: 'Drain',
    description: 'Whether each server is draining: it keeps its visitors and takes no new ones.',
    unit: 'short',
    queries: [['max by (server) (balance_board_draining)', '{{server}}']],
    words: { 0: 'takes new visitors', 1: 'draining' },
    steps: [
      [null, 'green'],
      [1, 'orange'],
    ],
  }),
  graph({
    title: 'Connections at NGINX',
    description: 'Clients that are connected. Open dashboards hold a connection, idle ones wait.',
    unit: 'short',
    queries: [
      ['sum(nginx_connections_active)', 'active'],
      ['sum(nginx_connections_waiting)', 'waiting'],
      ['sum(nginx_connections_writing)', 'writing'],
    ],
  }),
  graph({
    title: 'Requests by kind',
    description: 'All requests a second at NGINX: page views, the API, assets of the page, and others.',
    unit: 'reqps',
    queries: [
      [
        `sum by (kind, status_class) (${rate('balance_board_nginx_requests_total')})`,
        '{{kind}} {{status_class}}',
      ],
    ],
    stacked: true,
  }),
]

const count = [
  graph({
    title: 'Counted and delivered',
    description:
      'Page views a second that servers counted, and that NGINX answered with 200. The two lines belong together.',
    unit: 'reqps',
    queries: [
      [`sum(${rate(hits)})`, 'counted'],
      [`sum(${rate(`${pageViews}{status="200"}`)})`, 'delivered'],
    ],
  }),
  graph({
    title: 'Counter over time',
    description: 'The newest number. It never goes down, unless a backup was restored.',
    unit: 'locale',
    queries: [['max(balance_board_newest_number)', 'counter']],
  }),
  graph({
    title: 'Difference that the audit found',
    description:
      'Between the counter and the log, and between the counter and the sums of the servers. It must be 0.',
    unit: 'short',
    queries: [['max by (between) (abs(balance_board_audit_difference))', '{{between}}']],
    steps: [
      [null, 'green'],
      [1, 'red'],
    ],
  }),
  graph({
    title: 'Age of the audit and of the log',
    description: 'Time since the last audit and since the oldest log row, and how long rows are kept.',
    unit: 's',
    queries: [
      ['time() - (max(balance_board_audit_last_success_timestamp_seconds) > 0)', 'last audit'],
      ['time() - (min(balance_board_log_oldest_row_timestamp_seconds) > 0)', 'oldest log row'],
      ['max(balance_board_log_retention_seconds)', 'rows are kept'],
    ],
    logarithmic: true,
  }),
]

const objectives = [
  graph({
    title: 'Burn of the error budget',
    description:
      'How many times faster than allowed failures use up the budget of 0.1 %, over four windows. 1 is just allowed.',
    unit: 'short',
    queries: burn('board:page_view_errors', 0.001),
  }),
  graph({
    title: 'Burn of the latency budget',
    description: 'The same for page views over 250 ms, of which 1 % are allowed.',
    unit: 'short',
    queries: burn('board:page_view_slow', 0.01),
  }),
  timeline({
    title: 'Alerts over time',
    description:
      'Each alert while it fires. Watchdog always fires: it shows that the way of an alert to people works.',
    unit: 'short',
    queries: [['max by (alertname, severity) (ALERTS{alertstate="firing"})', '{{alertname}} ({{severity}})']],
    words: { 1: 'fires' },
    steps: [[null, 'red']],
  }),
  graph({
    title: 'Targets that answer Prometheus',
    description: 'How many targets of each job answered the last scrape.',
    unit: 'short',
    queries: [['sum by (job) (up)', '{{job}}']],
  }),
  graph({
    title: 'Lag of the NGINX exporter',
    description: 'Time from the end of a request until the exporter had its message.',
    unit: 's',
    queries: [['max(balance_board_nginx_log_lag_seconds)', 'lag']],
  }),
  graph({
    title: 'Lines that the NGINX exporter missed',
    description:
      'Messages of NGINX a second that were lost or could not be read. The figures above lack them.',
    unit: 'cps',
    queries: [[`sum(${rate('balance_board_nginx_log_dropped_total')})`, 'missed']],
  }),
]

export const balanceDashboard = dashboard({
  uid: 'balance-board-balance',
  title: 'Balance Board: the balance',
  description: 'What visitors get, how visits spread over the servers, and whether the count is right.',
  variables: [],
  rows: [
    ['Now', now],
    ['What visitors get', visitors],
    ['How visits spread', balance],
    ['Servers and NGINX', servers],
    ['The count', count],
    ['Objectives, alerts and monitoring', objectives],
  ],
})
