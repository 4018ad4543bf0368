import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { Ajv } from 'ajv'
import { z } from 'zod'
import { createMetrics } from '../../web/server/metrics/metrics.ts'
import { LogMetrics } from '../nginx-log-exporter/log-metrics.ts'
import { dashboardFiles, dashboardFolder, readDashboards } from './dashboards.ts'

const read = (path: string) => readFileSync(join(import.meta.dirname, path), 'utf8')

const datasource = z.object({ type: z.literal('prometheus'), uid: z.literal('prometheus') })
const panel = z.looseObject({
  id: z.number().int(),
  title: z.string().min(1),
  description: z.string().regex(/^\w.*\w.*\.$/, 'sentences'),
  datasource,
  gridPos: z.object({ x: z.number(), y: z.number(), w: z.number(), h: z.number() }),
  fieldConfig: z.looseObject({ defaults: z.looseObject({ unit: z.string().min(1) }) }),
  targets: z.array(z.looseObject({ refId: z.string(), expr: z.string().min(1), datasource })).min(1),
})
const row = z.looseObject({ type: z.literal('row'), id: z.number().int(), title: z.string().min(1) })
const dashboard = z.looseObject({
  uid: z.string().max(40),
  title: z.string(),
  panels: z.array(z.union([row, panel])),
  templating: z.looseObject({ list: z.array(z.looseObject({ datasource })).default([]) }),
})

test('the files are what the code writes, and there are no others', () => {
  assert.deepEqual(readdirSync(dashboardFolder).toSorted(), Object.keys(dashboardFiles).toSorted())
  for (const [name, text] of Object.entries(dashboardFiles))
    assert.equal(
      read(`dashboards/${name}`),
      text,
      `run \`npm run dashboards\`: ${name} is not what it writes`,
    )
})

// Grafana's definition of a dashboard, from https://github.com/grafana/grafana-foundation-sdk, under testing/LICENSE
test('the dashboards fit the schema of Grafana, which knows no other fields', () => {
  const schema: unknown = JSON.parse(read('testing/dashboard.schema.json'))
  const validate = new Ajv({ allErrors: true, strict: false, formats: { 'date-time': true } }).compile(
    z.looseObject({}).parse(schema),
  )
  for (const [name, text] of Object.entries(dashboardFiles)) {
    assert.ok(validate(JSON.parse(text)), `${name}: ${JSON.stringify(validate.errors, null, 2)}`)
    assert.ok(!validate({ ...JSON.parse(text), titel: '' }), 'an unknown field was not noticed')
  }
})

test('each panel has a title, a description, a unit, a place, and queries with ids on the provisioned datasource', () => {
  const uids = new Set<string>()
  for (const text of Object.values(dashboardFiles)) {
    const { uid, panels } = dashboard.parse(JSON.parse(text))
    uids.add(uid)
    assert.equal(new Set(panels.map(({ id }) => id)).size, panels.length, 'two panels have one id')
    const places = panels.flatMap(each => panel.safeParse(each).data ?? [])
    assert.equal(new Set(places.map(({ title }) => title)).size, places.length, 'two panels have one title')
    for (const { title, gridPos, targets } of places) {
      assert.equal(
        new Set(targets.map(({ refId }) => refId)).size,
        targets.length,
        `${title}: two queries have one id`,
      )
      assert.ok(gridPos.x + gridPos.w <= 24, `${title} is beyond the right edge`)
      const under = places.filter(
        other =>
          other.title !== title &&
          gridPos.x < other.gridPos.x + other.gridPos.w &&
          other.gridPos.x < gridPos.x + gridPos.w &&
          gridPos.y < other.gridPos.y + other.gridPos.h &&
          other.gridPos.y < gridPos.y + gridPos.h,
      )
      assert.deepEqual(under, [], `${title} overlaps`)
    }
  }
  assert.equal(uids.size, Object.keys(dashboardFiles).length)
  assert.match(read('provisioning/datasources/prometheus.yml'), /^ +uid: prometheus$/m)
})

test('the board of one server asks only for that server', () => {
  const [, replica] = readDashboards()
  const queries = replica?.panels.flatMap(({ targets }) => targets) ?? []
  assert.ok(queries.length > 0)
  for (const { expr } of queries)
    for (const [metric = ''] of expr.matchAll(/\w+\{[^}]*\}/g)) assert.match(metric, /\{server=~"\$server"/)
})

/** Names of the metrics in what an exporter prints. */
const namesIn = (text: string) =>
  [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].flatMap(([, name = '', type]) =>
    type === 'histogram' ? ['bucket', 'sum', 'count'].map(end => `${name}_${end}`) : name,
  )

/** The metrics of an expression: every word that is no function, label, operator, value or duration. */
function metricsIn(expression: string): string[] {
  const operators = ['or', 'and', 'unless', 'on', 'by', 'group_left']
  const bare = expression
    .replace(/\{[^}]*\}|\[[^\]]*\]/g, '')
    .replace(/\b(?:by|on|group_left) \([^)]*\)/g, '')
  return [...bare.matchAll(/(?<![\w.])[a-z_:][\w:]*\b(?!\s*\()/gi)]
    .map(([word]) => word)
    .filter(word => !operators.includes(word))
}

test('every metric of a query is one that a server, an exporter, a rule or Prometheus makes', async () => {
  const example = metricsIn('sum by (a) (rate(x_total{b="c"}[1m])) / on () group_left () y or vector(0)')
  assert.deepEqual(example, ['x_total', 'y'])
  const zero = () => 0
  const sources = {
    queued: zero,
    streams: zero,
    liveTicks: zero,
    liveSentBytes: zero,
    draining: () => false,
    databaseUp: () => true,
    board: async () => null,
  }
  const server = { id: 1, name: 'web-1', srv_id: 'a', address: '10.0.0.2:3000' }
  const known = new Set([
    ...namesIn(await createMetrics(server, sources, 30).text()),
    ...namesIn(await new LogMetrics(zero, zero).text()),
    ...[...read('../rules.yml').matchAll(/record: (\S+)/g)].map(([, name]) => name),
    // nginx-prometheus-exporter
    ...['active', 'waiting', 'writing'].map(kind => `nginx_connections_${kind}`),
    ...['up', 'ALERTS'],
  ])
  for (const { panels } of readDashboards())
    for (const { title, targets } of panels)
      for (const { expr } of targets) {
        const metrics = metricsIn(expr)
        assert.ok(metrics.length > 0, `${title}: ${expr}`)
        assert.deepEqual(
          metrics.filter(name => !known.has(name)),
          [],
          `${title}: ${expr}`,
        )
      }
})

test('what servers last read of each other is not shown as the present while the database is away', () => {
  const queries = readDashboards().flatMap(({ panels }) => panels.flatMap(({ targets }) => targets))
  const ofTable = queries.filter(({ expr }) => expr.includes('balance_board_servers'))
  assert.ok(ofTable.length > 0)
  for (const { expr } of ofTable) assert.match(expr, / and on \(\) max\(balance_board_database_up\) == 1$/)
})

test("Grafana takes Prometheus's interval of scrapes", () => {
  const [, interval] = /scrape_interval: (\w+)/.exec(read('../prometheus.yml')) ?? []
  assert.match(read('provisioning/datasources/prometheus.yml'), new RegExp(`timeInterval: ${interval}$`, 'm'))
})
