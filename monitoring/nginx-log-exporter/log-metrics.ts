// What NGINX's log messages mean, and the metrics made of them. main.ts receives the messages; the format is `metrics` in
// nginx/conf/metrics.conf.template. Messages come over UDP: any can be lost, cut off or from another sender. So each is
// checked, and no label has more values than are listed here or bounded here.

import { isIP } from 'node:net'
import { Counter, Gauge, Registry } from 'prom-client'
import { FastHistogram, type Observations } from '../../web/server/metrics/histogram.ts'

const kinds = ['page_view', 'api', 'asset', 'other'] as const

/** A request that NGINX has answered. */
export type LoggedRequest = {
  /** how many requests it counts as: of many page views a second NGINX sends only some */
  weight: number
  kind: (typeof kinds)[number]
  /** of the answer; 499 if the client left first, 000 if there was none */
  status: string
  /**
   * seconds from the complete request until NGINX had the whole answer; null if it answered itself. Does not include the time that a
   * slow client takes to send and to receive.
   */
  seconds: number | null
  /** when NGINX wrote it, in seconds since 1970 */
  at: number
  /** the replicas that NGINX tried, in order; none if NGINX answered itself or no replica was left */
  tries: UpstreamTry[]
}

/** `seconds` is null if there was no answer to measure. */
type UpstreamTry = { address: string; status: string; seconds: number | null }

/** characters of a message's syslog header, with room to spare: <190>Nov 25 22:32:05 nginx:  */
const headerMax = 100

/** More than NGINX sends: see $sample_weight. */
const weightMax = 100

/** More tries than NGINX can make of one request at replicas. */
const triesMax = 50

/** More times than NGINX writes for one request: see the entries of `upstream page_views` in nginx/conf/page-views.conf.template. */
const timesMax = 200

/** Parses one message: a syslog header and a JSON object. Returns null if it is anything else. */
export function parseMessage(message: Buffer): LoggedRequest | null {
  const start = message.indexOf('{')
  if (start < 0 || start > headerMax) return null
  const fields = parseJson(message.toString('latin1', start))
  if (typeof fields !== 'object' || fields === null) return null
  const { kind, weight, status, answer_time, at, upstream_addr, upstream_status, upstream_response_time } =
    fields as Record<string, unknown>
  const known = kinds.find(each => each === kind)
  if (!known || !isWeight(weight) || !isStatus(status) || !isText(answer_time) || !isSeconds(at)) return null
  if (![upstream_addr, upstream_status, upstream_response_time].every(isText)) return null
  const seconds = sumOfTimes(answer_time)
  if (seconds === undefined) return null
  const tries = readTries(String(upstream_addr), String(upstream_status), String(upstream_response_time))
  return tries && { kind: known, weight, status, seconds, at, tries }
}

/** The sum of NGINX's list of times. Returns null if it has none, undefined if it is another text. */
function sumOfTimes(times: string): number | null | undefined {
  const list = times === '' ? [] : splitList(times).filter(time => time !== '-')
  if (list.length > timesMax || !list.every(time => /^\d{1,8}\.\d{3}$/.test(time))) return undefined
  return list.length === 0 ? null : list.reduce((sum, time) => sum + Number(time), 0)
}

/**
 * Reads NGINX's lists, which have an entry for each try: `, ` separates the tries of one upstream, ` : ` those before and after an
 * internal redirect. A name instead of an address means that no server of that upstream was left: nothing was tried.
 * Source: https://nginx.org/en/docs/http/ngx_http_upstream_module.html#var_upstream_addr
 * @returns null if the lists do not fit each other
 */
export function readTries(addresses: string, statuses: string, times: string): UpstreamTry[] | null {
  if (addresses === '' || addresses === '-') return []
  const [addressList, statusList, timeList] = [splitList(addresses), splitList(statuses), splitList(times)]
  if (addressList.length > triesMax) return null
  if (statusList.length !== addressList.length || timeList.length !== addressList.length) return null
  const tries: UpstreamTry[] = []
  for (const [index, address] of addressList.entries()) {
    const [status = '', time = ''] = [statusList[index], timeList[index]]
    if (!isStatus(status) && status !== '-') return null
    if (!isAddress(address)) continue
    const seconds = Number(time)
    tries.push({
      address,
      status: status === '-' ? 'none' : status,
      seconds: time === '-' || !isSeconds(seconds) ? null : seconds,
    })
  }
  return tries
}

const splitList = (list: string) => list.split(/, | : /)

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

const isWeight = (value: unknown): value is number =>
  typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= weightMax
const isText = (value: unknown): value is string => typeof value === 'string'
const isStatus = (value: unknown): value is string =>
  typeof value === 'string' && /^([1-5]\d\d|000)$/.test(value)
/** A duration or a time since 1970. A sum of these numbers stays a number. */
const isSeconds = (value: unknown): value is number => typeof value === 'number' && value >= 0 && value < 1e11

function isAddress(text: string): boolean {
  const [, ipv6, ipv4] = /^(?:\[([^\]]+)\]|([^:]+)):\d{1,5}$/.exec(text) ?? []
  return isIP(ipv6 ?? ipv4 ?? '') !== 0
}

/** ms without a try after which a replica's metrics end: it was replaced or removed */
const forgottenAfterMs = 10 * 60_000

/** Replicas with metrics at the same time. Tries at any more have the address `other`. */
const addressesMax = 200

/** Seconds. 0.25 is the limit of the objective for page views. */
const buckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

type KnownReplica = {
  address: string
  lastTryAt: number
  /** of its tries */
  statuses: Set<string>
  /** of page views; null before the first */
  durations: Observations | null
}

/** Metrics of NGINX's log. `now` is a clock in ms since 1970; `lost` counts messages that the system has discarded. */
export class LogMetrics {
  readonly registry = new Registry()
  readonly #now: () => number
  readonly #replicas = new Map<string, KnownReplica>()
  #unreadable = 0
  #lag = 0

  readonly #pageViews = new Counter({
    name: 'balance_board_nginx_page_views_total',
    help: 'Requests for the page, by the status of the answer; 499: the visitor left before it. Prefetches are left out',
    labelNames: ['status'] as const,
    registers: [this.registry],
  })
  readonly #pageViewDuration = new FastHistogram({
    name: 'balance_board_nginx_page_view_duration_seconds',
    help: 'From the complete request of a page view with status 200 until NGINX has its whole answer, with all tries',
    buckets,
    registers: [this.registry],
  })
  readonly #retried = new Counter({
    name: 'balance_board_nginx_retried_page_views_total',
    help: 'Page views that needed more than one try',
    registers: [this.registry],
  })
  readonly #requests = new Counter({
    name: 'balance_board_nginx_requests_total',
    help: 'Requests, by what they asked for and the class of the status; health checks are left out',
    labelNames: ['kind', 'status_class'] as const,
    registers: [this.registry],
  })
  readonly #messages = new Counter({
    name: 'balance_board_nginx_log_messages_total',
    help: 'Messages that arrived and could be read. One stands for several page views when there are many a second',
    registers: [this.registry],
  })
  readonly #tries = new Counter({
    name: 'balance_board_nginx_upstream_tries_total',
    help: 'Tries at a replica, by the status of the try; 502 and 504: no answer, 403: it drains or cannot count, so another was tried',
    labelNames: ['address', 'status'] as const,
    registers: [this.registry],
  })
  readonly #tryDuration = new FastHistogram({
    name: 'balance_board_nginx_upstream_duration_seconds',
    help: 'Duration of a try of a page view at a replica',
    buckets,
    children: { label: 'address', values: [] },
    registers: [this.registry],
  })

  constructor(now: () => number, lost: () => number | Promise<number>) {
    this.#now = now
    for (const status of ['200', '429', '503']) this.#pageViews.inc({ status }, 0)
    for (const kind of kinds)
      for (const status_class of ['2xx', '4xx', '5xx']) this.#requests.inc({ kind, status_class }, 0)
    const metrics = this
    new Gauge({
      name: 'balance_board_nginx_log_lag_seconds',
      help: 'Age of the newest message at its arrival',
      registers: [this.registry],
      collect() {
        this.set(metrics.#lag)
      },
    })
    new Counter({
      name: 'balance_board_nginx_log_dropped_total',
      help: 'Messages that the system discarded because this exporter was too slow, and messages that could not be read',
      registers: [this.registry],
      async collect() {
        const dropped = metrics.#unreadable + (await lost())
        this.reset()
        this.inc(dropped)
      },
    })
  }

  /** Counts one message as NGINX sent it. */
  receive(message: Buffer): void {
    const request = parseMessage(message)
    if (!request) {
      this.#unreadable++
      return
    }
    this.#messages.inc()
    const { kind, weight, status, seconds, at, tries } = request
    const now = this.#now()
    this.#lag = Math.max(0, now / 1000 - at)
    this.#requests.inc({ kind, status_class: `${status[0]}xx` }, weight)
    if (kind === 'page_view') {
      this.#pageViews.inc({ status }, weight)
      // A refusal or a failure is often fast, and many of them would hide slow pages.
      if (status === '200' && seconds !== null) this.#pageViewDuration.child().record(seconds, weight)
      if (tries.length > 1) this.#retried.inc(weight)
    }
    for (const each of tries) this.#countTry(each, request, now)
  }

  #countTry({ address, status, seconds }: UpstreamTry, { kind, weight }: LoggedRequest, now: number): void {
    const replica = this.#replicaAt(address)
    replica.lastTryAt = now
    replica.statuses.add(status)
    this.#tries.inc({ address: replica.address, status }, weight)
    if (kind !== 'page_view' || seconds === null) return
    replica.durations ??= this.#tryDuration.addChild(replica.address)
    replica.durations.record(seconds, weight)
  }

  #replicaAt(given: string): KnownReplica {
    const address = this.#replicas.has(given) || this.#replicas.size < addressesMax ? given : 'other'
    const known = this.#replicas.get(address)
    if (known) return known
    const replica = { address, lastTryAt: 0, statuses: new Set<string>(), durations: null }
    this.#replicas.set(address, replica)
    return replica
  }

  /** All metrics in Prometheus's text format. Replicas without a try in the last 10 minutes are forgotten. */
  async text(): Promise<string> {
    for (const replica of this.#replicas.values())
      if (this.#now() - replica.lastTryAt > forgottenAfterMs) this.#forget(replica)
    return this.registry.metrics()
  }

  #forget({ address, statuses }: KnownReplica): void {
    for (const status of statuses) this.#tries.remove({ address, status })
    this.#tryDuration.removeChild(address)
    this.#replicas.delete(address)
  }
}

/**
 * Messages to a UDP port that Linux has discarded because its buffer was full, since the port was bound. `table` is the content of
 * /proc/net/udp or udp6, or both; 0 for another system, which has neither. Source of the format: net/ipv4/udp.c, udp4_format_sock.
 */
export function droppedMessages(table: string, port: number): number {
  const ending = `:${port.toString(16).toUpperCase().padStart(4, '0')}`
  const rows = table.split('\n').map(line => line.trim().split(/\s+/))
  return rows
    .filter(([, address = '']) => address.endsWith(ending))
    .reduce((sum, row) => sum + (Number(row.at(-1)) || 0), 0)
}
