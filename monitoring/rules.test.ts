import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { collectDefaultMetrics, Registry } from 'prom-client'
import { parse } from 'yaml'
import { z } from 'zod'
import { LogMetrics } from './nginx-log-exporter/log-metrics.ts'
import { watchCertificate, watchStatus } from './nginx-log-exporter/probes.ts'

const read = (path: string) => readFileSync(join(import.meta.dirname, '..', path), 'utf8')

/** The rules, each as its text. */
const rules = read('monitoring/rules.yml')
  .split(/^ {6}- (?=alert: |record: )/m)
  .slice(1)
const alerts = rules.filter(rule => rule.startsWith('alert: '))
const nameOf = (rule: string) => /^\w+: (\S+)$/m.exec(rule)?.[1] ?? ''

/** The anchors of a Markdown text's headings, as GitHub makes them. */
const anchors = (text: string) =>
  [...text.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\w\- ]/g, '')
      .replaceAll(' ', '-'),
  )

test('each alert has a severity, a summary, a description, and a runbook that exists; each runbook has an alert', () => {
  const operations = read('docs/operations.md')
  const known = anchors(operations)
  assert.ok(alerts.length >= 12)
  for (const alert of alerts) {
    const name = nameOf(alert)
    assert.match(alert, /^ +labels: \{ severity: (page|ticket|none)\b/m, name)
    assert.match(alert, /^ +summary: \S/m, name)
    assert.match(alert, /^ +description: \S/m, name)
    const anchor = /^ +runbook_url: '\{\{ \$externalLabels\.runbooks \}\}#(\S+)'$/m.exec(alert)?.[1]
    assert.equal(anchor, name.toLowerCase())
    assert.equal(known.filter(each => each === anchor).length, 1, `docs/operations.md has no section ${name}`)
  }
  const sections = [...(operations.split('\n## Alerts\n')[1] ?? '').matchAll(/^### (.+)$/gm)]
  assert.deepEqual(sections.map(([, title]) => title).toSorted(), [...new Set(alerts.map(nameOf))].toSorted())
})

test('the rules for Kubernetes are all but the one that every scale-down would raise', () => {
  const block = /^ {4}\(printf [\s\S]*?(?= \| kubectl apply)/m.exec(read('docs/kubernetes.md'))?.[0] ?? ''
  const made = execFileSync('sh', ['-c', block], { cwd: join(import.meta.dirname, '..'), encoding: 'utf8' })
  const { kind, spec } = z
    .object({
      kind: z.string(),
      spec: z.object({ groups: z.array(z.object({ rules: z.array(z.unknown()) })) }),
    })
    .parse(parse(made))
  assert.equal(kind, 'PrometheusRule')
  const named = z.union([
    z.object({ alert: z.string(), annotations: z.object({ runbook_url: z.string() }) }),
    z.object({ record: z.string() }),
  ])
  const names = spec.groups
    .flatMap(group => group.rules)
    .map(rule => named.parse(rule))
    .map(rule => ('alert' in rule ? rule.alert : rule.record))
  assert.deepEqual(
    names,
    rules.map(nameOf).filter(name => name !== 'FewerReplicas'),
  )
})

test('each alert is in the tests of the rules', () => {
  const tests = ['rules.test.yml', 'rules-of-hours.test.yml'].map(file => read(`monitoring/${file}`)).join('')
  for (const name of new Set(alerts.map(nameOf))) assert.match(tests, new RegExp(`\\b${name}\\b`), name)
})

test('the rules and Alertmanager name metrics and alerts that exist', () => {
  // A test of web/server/metrics compares this table with the code.
  const ofReplicas = [...read('docs/operations.md').matchAll(/^\| `(\w+)` \| (gauge|counter|histogram)/gm)]
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  const exporter = new LogMetrics(Date.now, () => 0).registry
  watchCertificate(exporter, '127.0.0.1:1')
  watchStatus(exporter, 'http://127.0.0.1:1/')
  const known = new Set(
    [
      ...ofReplicas.map(([, name = '']) => name),
      ...[registry, exporter].flatMap(each => each.getMetricsAsArray().map(({ name }) => name)),
      ...rules.filter(rule => rule.startsWith('record: ')).map(nameOf),
    ].flatMap(name => [name, `${name}_bucket`, `${name}_count`]),
  )
  // of Prometheus itself, and of NGINX's exporter
  for (const name of ['up', 'nginx_up']) known.add(name)
  for (const rule of rules) {
    const expression = /^ +expr: (.*(?:\n {10}.*)*)/m.exec(rule)?.[1] ?? ''
    assert.notEqual(expression, '', nameOf(rule))
    const named = expression
      .replace(/"[^"]*"/g, '')
      .match(/\b(balance_board_\w+|board:[\w:]+|nodejs_\w+|process_\w+|nginx_\w+|up)\b/g)
    for (const name of named ?? []) assert.ok(known.has(name), `${nameOf(rule)}: ${name}`)
  }

  const names = new Set(alerts.map(nameOf))
  const matchers = [...read('monitoring/alertmanager.yml').matchAll(/alertname (=|=~) "?([^"\],']+)/g)]
  assert.ok(matchers.length > 5)
  for (const [, , pattern = ''] of matchers)
    for (const part of pattern.split('|'))
      assert.ok(
        [...names].some(name => new RegExp(`^${part}$`).test(name)),
        part,
      )
})

test('the objective for latency is a limit of a bucket', async () => {
  const text = await new LogMetrics(Date.now, () => 0).text()
  assert.match(text, /balance_board_nginx_page_view_duration_seconds_bucket\{le="0\.25"\} 0/)
})

test('`npm run monitoring` scrapes and evaluates as often as compose does', () => {
  const [local, compose] = [read('tools/launcher/monitoring.ts'), read('monitoring/prometheus.yml')]
  for (const name of ['scrape_interval', 'scrape_timeout', 'evaluation_interval']) {
    const [, seconds] = new RegExp(`^ +${name}: (\\d+s)$`, 'm').exec(compose) ?? []
    assert.ok(seconds && local.includes(`${name}: '${seconds}'`), name)
  }
})
