import { boardLogLength, heartbeatSeconds } from '../../shared/limits.ts'
import type { Environment } from '../config.ts'
import { readBoard } from '../db/board.ts'
import { readWish, takeEndWish } from '../db/control.ts'
import { writeSilence } from '../db/history.ts'
import { databaseHitStore } from '../db/hit-store.ts'
import { noOwnRow } from '../db/page-view-numbers.ts'
import type { Pools } from '../db/pools.ts'
import { pruneRecentRequests } from '../db/retention.ts'
import { writeHeartbeat } from '../db/server-state.ts'
import { type EarlierServer, registerServer, renameServer } from '../db/servers.ts'
import { FiringAlerts, readAlertmanager } from '../feed/alerts.ts'
import { Board } from '../feed/board.ts'
import { LiveFeed } from '../feed/live-feed.ts'
import { Admission } from '../hits/admission.ts'
import { defaultLimits, HitQueue } from '../hits/hit-queue.ts'
import { showAddress } from '../http/client-address.ts'
import type { Identity } from '../identity.ts'
import { CommitHealth, CounterWatch, FailureLog, Readiness } from '../lifecycle/commit-health.ts'
import { OwnEnd, OwnRow } from '../lifecycle/own-row.ts'
import { PeriodicTask } from '../lifecycle/periodic-task.ts'
import { log } from '../log.ts'
import { createMetrics } from '../metrics/metrics.ts'
import { PageViewStats } from '../metrics/page-view-stats.ts'
import type { Tracing } from '../metrics/tracing.ts'
import type { NextApp } from '../render/next-app.ts'
import { PageTemplates, ProblemPages } from '../render/pages.ts'
import { PurgeReport, RequestIdRetention } from '../retention/retention.ts'

/** ms for reading the board and for a heartbeat */
const databaseTimeoutMs = 1000
/** ms for reading the wishes of control: short, since it is the first to notice that the database is silent */
const wishWatchTimeoutMs = 300
const heartbeatMs = heartbeatSeconds * 1000
/** Maximum age in ms of the board that a heartbeat looks at: the same reading then serves the page */
const heartbeatBoardMs = 500
/** Maximum age in ms of the board in the metrics: a busy replica has a newer one */
const scrapeMaxAgeMs = 2000
/** ms between two readings of the wishes of control */
const wishWatchMs = 500

/** This instance, and the server that had its address before. */
export type Registered = { identity: Identity; earlier: EarlierServer | null }

export type Services = ReturnType<typeof createServices>

/** Creates the parts of a replica and connects them. */
export function createServices(
  environment: Environment,
  { identity, earlier }: Registered,
  pools: Pools,
  next: NextApp,
  tracing: Tracing | null,
) {
  const earlierUntil = performance.now() + (earlier?.forMs ?? 0)
  const store = databaseHitStore(pools.write, identity)
  const failures = new FailureLog()
  const commitHealth = new CommitHealth({
    probe: store.probe,
    onChange(cannotCount) {
      queue.suspend(cannotCount)
      if (cannotCount) log.error(`page views go to other servers: ${commitHealth.unready?.message}`)
      else log.info('page views are counted here again')
    },
    onFailure(failure) {
      metrics.failedCommits.inc({ kind: failure.kind })
      if (failure.kind !== 'contention') failures.failed(failure)
      // The heartbeat registers a new row, also if a probe found that this one is gone.
      if (failure.code === noOwnRow) void heartbeat.run()
    },
    onSuccess: () => failures.succeeded(),
  })
  const readiness = new Readiness(() => commitHealth.unready)
  const stats = new PageViewStats()
  const prunedIds = new PurgeReport('request ids', rows => metrics.forgottenRequestIds.inc(rows))
  const requestIds = new RequestIdRetention(async (lastId, limit) => {
    const rows = await pruneRecentRequests(pools.write, lastId, limit)
    if (rows > 0) prunedIds.note({ rows, through: lastId })
    return rows
  })
  const counterWatch = new CounterWatch((from, to) => {
    log.error(
      `THE COUNTER WENT BACK from ${from} to ${to}: the database was restored or is another one; ` +
        'numbers are given again, so check /api/audit',
    )
    metrics.counterWentBack.inc()
    requestIds.startOver()
  })
  const board = assembleBoard(environment, pools, counterWatch)
  const feed = new LiveFeed(board)
  let beforeBatch = 0
  const queue = new HitQueue(store, defaultLimits, {
    onBatch: size => {
      metrics.batchSize.record(size)
      beforeBatch = counterWatch.highest
    },
    onCounted: lastId => {
      counterWatch.note(lastId, beforeBatch)
      requestIds.noteNumber(lastId)
      ownRow.noteHeartbeat()
      readiness.databaseAnswered()
      commitHealth.succeeded()
      failures.succeeded()
    },
    onFailure: failure => commitHealth.failed(failure),
    onRetry: () => metrics.commitRetries.inc(),
    onCommit: ms => metrics.commitDuration.record(ms / 1000),
    onDuplicates: hits => metrics.duplicateHits.inc(hits),
    onSlow: () => commitHealth.suspect(),
    onUncounted: failure => failure.kind === 'contention' && failures.failed(failure),
  })
  const admission = new Admission(() => queue.expectedWaitMs)
  const sources = {
    queued: () => queue.length,
    streams: () => feed.size,
    liveTicks: () => feed.ticks,
    liveSentBytes: () => feed.sentBytes,
    draining: () => readiness.draining,
    databaseUp: () => readiness.databaseUp,
    board: () => board.noOlderThan(scrapeMaxAgeMs).catch(() => board.latest),
  }
  const metrics = createMetrics(identity, sources, environment.logLimits.days)
  const renderPage: NextApp['renderPage'] = async (...page) => {
    const startedAt = performance.now()
    const answer = await next.renderPage(...page)
    metrics.renderDuration.record((performance.now() - startedAt) / 1000)
    return answer
  }
  const rendering = {
    renderPage,
    server: identity,
    stickySeconds: environment.stickySeconds,
    monitoring: environment.monitoring,
    development: environment.development,
  }
  const pages = new PageTemplates({ ...rendering, snapshot: maxAgeMs => board.noOlderThan(maxAgeMs) })
  const problems = new ProblemPages({ ...rendering, latest: () => board.latest })
  const ownRow = new OwnRow({
    identity,
    isNamed: environment.serverName !== null,
    queries: {
      beat: server => {
        const health = {
          ready: readiness.unready === null,
          draining: readiness.draining,
          ...stats.roll(),
          ...stats.errors,
          streams: feed.size,
          memoryBytes: process.memoryUsage.rss(),
        }
        return writeHeartbeat(pools.write, server, health, databaseTimeoutMs)
      },
      wasSilent: (server, ms) => writeSilence(pools.write, server, ms, databaseTimeoutMs),
      register: ({ srv_id: srvId, address, name }) => registerServer(pools.write, { srvId, address, name }),
      readServers: async () => (await board.noOlderThan(heartbeatBoardMs)).servers,
      rename: server => renameServer(pools.write, server.id),
    },
  })
  const heartbeat = new PeriodicTask(heartbeatMs, async () => {
    // Less than a heartbeat: otherwise the last probe would satisfy this check, and only every second heartbeat would probe.
    commitHealth.check(heartbeatMs / 2)
    await ownRow.beat()
    readiness.databaseAnswered()
    // Not awaited: on a busy machine a rendering can take longer than the time to the next heartbeat.
    void pages.followServers().catch(() => {})
  })
  const ownEnd = new OwnEnd({ take: end => takeEndWish(pools.write, identity, end, databaseTimeoutMs) })
  const wishWatch = new PeriodicTask(wishWatchMs, async () => {
    const wish = await readWish(pools.read, identity.id, wishWatchTimeoutMs).catch(error => {
      commitHealth.suspect()
      throw error
    })
    if (wish.end !== null) await ownEnd.obey(wish.end)
    // Acknowledge immediately: the requester waits for it.
    if (!readiness.drain(wish.drain)) return
    log.info(wish.drain ? 'it drains: it takes no new visitors' : 'it takes new visitors again')
    await heartbeat.run()
  })
  return {
    environment,
    identity,
    pools,
    next,
    readiness,
    stats,
    requestIds,
    commitHealth,
    board,
    feed,
    queue,
    admission,
    metrics,
    tracing,
    pages,
    problems,
    heartbeat,
    ownEnd,
    wishWatch,
    previousServerName: () => (earlier && performance.now() < earlierUntil ? earlier.name : null),
  }
}

function assembleBoard(environment: Environment, pools: Pools, counterWatch: CounterWatch): Board {
  const shown = (address: string) => showAddress(address, environment.clientAddresses)
  const { alertmanagerUrl } = environment
  const alerts = alertmanagerUrl ? new FiringAlerts(() => readAlertmanager(alertmanagerUrl)) : undefined
  return new Board(async after => {
    const before = counterWatch.highest
    const tail = { after, limit: boardLogLength, showAddress: shown }
    const reading = await readBoard(pools.read, databaseTimeoutMs, tail)
    counterWatch.note(reading.counter, before)
    return reading
  }, alerts)
}
