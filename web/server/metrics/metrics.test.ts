import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { Histogram, Registry } from 'prom-client'
import { sampleServerRow } from '../../testing/samples.ts'
import { FastHistogram } from './histogram.ts'
import { createMetrics } from './metrics.ts'
import { PageViewStats } from './page-view-stats.ts'

const identity = () => ({ id: 1, name: 'web-1', address: '10.0.0.1:3000', srv_id: 'a'.repeat(32) })

function sampleMetrics(server = identity()) {
  const sources = {
    queued: () => 3,
    streams: () => 2,
    liveTicks: () => 7,
    liveSentBytes: () => 1234,
    draining: () => true,
    databaseUp: () => false,
    board: async () => ({
      counter: 90,
      servers: [sampleServerRow({ state: 'up' }), sampleServerRow({ state: 'lost' })],
    }),
  }
  return createMetrics(server, sources, 30)
}

/** Values by name and labels, as Prometheus writes them. */
async function valuesOf({ text }: { text(): Promise<string> }): Promise<Map<string, number>> {
  const lines = (await text()).split('\n').filter(line => line !== '' && !line.startsWith('#'))
  return new Map(lines.map(line => [line.slice(0, line.lastIndexOf(' ')), Number(line.split(' ').at(-1))]))
}

test('a histogram of plain numbers reads like one of prom-client', async () => {
  const [ours, theirs] = [new Registry(), new Registry()]
  const config = { name: 'h', help: 'values', buckets: [0.1, 0.5, 1] }
  const children = { label: 'phase', values: ['queue', 'commit'] }
  const fast = new FastHistogram({ ...config, registers: [ours], children })
  const usual = new Histogram({ ...config, registers: [theirs], labelNames: ['phase'] })
  for (const phase of children.values) usual.zero({ phase })
  for (const value of [0, 0.1, 0.10001, 0.3, 1, 1.5, 30]) {
    fast.child('queue').record(value)
    usual.observe({ phase: 'queue' }, value)
  }
  fast.child('commit').record(0.5, 3)
  for (let n = 0; n < 3; n++) usual.observe({ phase: 'commit' }, 0.5)
  for (const registry of [ours, theirs]) registry.setDefaultLabels({ server: 'web-1' })
  const inOrder = (line: string) => line.replace(/{(.*)}/, (_, labels) => labels.split(',').sort().join())
  const lines = async (registry: Registry) => (await registry.metrics()).split('\n').map(inOrder).sort()
  assert.deepEqual(await lines(ours), await lines(theirs))
})

test('what happens to page views is counted: arrivals, their time and its three parts', async () => {
  const metrics = sampleMetrics()
  metrics.recordHit('new', 1000, { leftAt: 1010, countedAt: 1050, batch: null }, 1060)
  metrics.recordHit('moved', 2000, { leftAt: 2010, countedAt: 2050, batch: null }, 2300)
  const values = await valuesOf(metrics)
  const at = (name: string) => values.get(name)
  const counts = ['new', 'returning', 'moved'].map(arrival =>
    at(`balance_board_hits_total{arrival="${arrival}",server="web-1"}`),
  )
  assert.deepEqual(counts, [1, 0, 1])
  assert.equal(at('balance_board_hit_duration_seconds_bucket{le="0.25",server="web-1"}'), 1)
  assert.equal(at('balance_board_hit_duration_seconds_sum{server="web-1"}'), 0.36)
  const sums = ['queue', 'commit', 'fill_in'].map(phase =>
    at(`balance_board_hit_phase_duration_seconds_sum{phase="${phase}",server="web-1"}`)?.toFixed(2),
  )
  assert.deepEqual(sums, ['0.02', '0.08', '0.26'])
})

test('what other parts know is read with the metrics', async () => {
  const values = await valuesOf(sampleMetrics())
  const expected = {
    'balance_board_queued_hits{server="web-1"}': 3,
    'balance_board_live_streams{server="web-1"}': 2,
    'balance_board_live_ticks_total{server="web-1"}': 7,
    'balance_board_live_sent_bytes_total{server="web-1"}': 1234,
    'balance_board_draining{server="web-1"}': 1,
    'balance_board_database_up{server="web-1"}': 0,
    'balance_board_counter{server="web-1"}': 90,
    'balance_board_servers{state="up",server="web-1"}': 1,
    'balance_board_servers{state="lost",server="web-1"}': 1,
    'balance_board_servers{state="draining",server="web-1"}': 0,
    'balance_board_log_retention_seconds{server="web-1"}': 30 * 86_400,
  }
  for (const [name, value] of Object.entries(expected)) assert.equal(values.get(name), value, name)
})

test('everything that can fail has a value before it fails, so that a rate sees the first failure', async () => {
  const values = await valuesOf(sampleMetrics())
  const zeros = [...values].filter(([, value]) => value === 0).map(([name]) => name)
  for (const labels of ['code="overloaded"', 'code="counter_unavailable"', 'code="outcome_unknown"'])
    assert.ok(zeros.includes(`balance_board_failed_page_views_total{${labels},server="web-1"}`), labels)
  for (const kind of ['contention', 'refused', 'away'])
    assert.ok(zeros.includes(`balance_board_failed_commits_total{kind="${kind}",server="web-1"}`), kind)
  assert.ok(zeros.includes('balance_board_commit_retries_total{server="web-1"}'))
})

test('an audit sets what counter, log and servers differ by', async () => {
  const metrics = sampleMetrics()
  metrics.noteAudit({ counter: 10, rows: 5, purged: 3, sum_hits: 9, consistent: false }, 1_700_000_000_000)
  const values = await valuesOf(metrics)
  const difference = (between: string) =>
    values.get(`balance_board_audit_difference{between="${between}",server="web-1"}`)
  assert.deepEqual(['counter_and_log', 'counter_and_servers'].map(difference), [2, 1])
  assert.equal(values.get('balance_board_audit_consistent{server="web-1"}'), 0)
  assert.equal(
    values.get('balance_board_audit_last_success_timestamp_seconds{server="web-1"}'),
    1_700_000_000,
  )
})

test('a replica that gets another name has it on every metric', async () => {
  const server = identity()
  const metrics = sampleMetrics(server)
  await metrics.text()
  server.name = 'web-4'
  const own = [...(await valuesOf(metrics)).keys()]
  assert.deepEqual(
    own.filter(name => !name.includes('server="web-4"')),
    [],
  )
})

test('docs/operations.md lists every metric of the project, and no other', async () => {
  const text = await sampleMetrics().text()
  const names = [...text.matchAll(/^# TYPE (balance_board_\w+)/gm)].map(([, name]) => name ?? '')
  const docs = readFileSync(join(import.meta.dirname, '../../../docs/operations.md'), 'utf8')
  const section = /^## Metrics$([\s\S]*?)^## /m.exec(docs)?.[1] ?? ''
  const listed = [...section.matchAll(/^\| `(balance_board_(?!nginx_)\w+)/gm)].map(([, name]) => name ?? '')
  assert.deepEqual(listed.toSorted(), names.toSorted())
})

test('the rate is of the last few windows', () => {
  let now = 0
  const figures = new PageViewStats(() => now)
  const beat = (hits: number) => {
    for (let hit = 0; hit < hits; hit++) figures.recordHit(1)
    now += 2000
    return figures.roll().rate
  }
  assert.equal(beat(20), 10)
  assert.equal(beat(0), 5)
  assert.equal(beat(40), 10)
  assert.equal(beat(0), 40 / 6)
  assert.equal(beat(0), 40 / 6)
  assert.equal(beat(0), 0)
})

test('percentiles are in ms, and null when there was nothing', () => {
  const figures = new PageViewStats()
  assert.deepEqual([figures.roll().p50Ms, figures.roll().p99Ms], [null, null])
  for (let n = 0; n < 98; n++) figures.recordHit(2)
  figures.recordHit(50)
  figures.recordHit(50)
  const { p50Ms, p99Ms } = figures.roll()
  assert.ok(p50Ms !== null && Math.abs(p50Ms - 2) < 0.1, String(p50Ms))
  assert.ok(p99Ms !== null && Math.abs(p99Ms - 50) < 1, String(p99Ms))
})

test('errors are counted by code, and add up', () => {
  const figures = new PageViewStats()
  assert.deepEqual(figures.errors, { errors: 0, errorCodes: {} })
  for (const code of ['overloaded', 'outcome_unknown', 'overloaded']) figures.recordError(code)
  assert.deepEqual(figures.errors, { errors: 3, errorCodes: { overloaded: 2, outcome_unknown: 1 } })
})
