// The profile `monitoring`, without Grafana: its dashboards are checked by their queries.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { z } from 'zod'
import { leastShare, runQueries, shareWithData } from '../../monitoring/grafana/dashboards.ts'
import { freePorts } from '../../tools/lib/ports.ts'
import { visitMany } from '../../tools/lib/visitors.ts'
import { waitUntil } from '../../tools/lib/wait.ts'
import { attemptDocker, compose, docker, runningReplicas } from './docker.ts'
import { baseUrl, readAudit, settle, visitWhile } from './testing/board.ts'

const project = process.env.COMPOSE_PROJECT_NAME ?? ''
const services = ['prometheus', 'alertmanager', 'nginx-exporter', 'nginx-log-exporter']
const monitoring = (...words: string[]) => compose('--profile', 'monitoring', ...words)
const startMonitoring = () => monitoring('up', '--detach', '--wait', ...services)

let prometheus = ''
let alertmanager = ''
before(async () => {
  const ports = freePorts(`${project} monitoring`)
  for (const name of ['PROMETHEUS_PORT', 'ALERTMANAGER_PORT', 'GRAFANA_PORT'])
    process.env[name] = String((await ports.next()).value)
  process.env.RUNBOOK_URL = 'https://wiki.example/board'
  prometheus = `http://127.0.0.1:${process.env.PROMETHEUS_PORT}`
  alertmanager = `http://127.0.0.1:${process.env.ALERTMANAGER_PORT}`
})
after(async () => {
  await monitoring('rm', '--stop', '--force', ...services)
  // `down` without the profile leaves it, and later tests expect that `down` leaves none.
  await docker(['network', 'rm', `${project}_monitoring`])
  // NGINX reloads for it, and the clients of a later test may meet that.
  const [nginx = ''] = (await compose('ps', '--quiet', 'nginx')).split('\n')
  await waitUntil('NGINX has noticed the end of its exporter', 60_000, async () => {
    const setting = await attemptDocker(['exec', nginx, 'cat', '/run/nginx/metrics-log.conf'])
    return setting.status === 0 && setting.stdout.trim() === ''
  })
})

async function readJson(url: string): Promise<unknown> {
  const answer = await fetch(url, { signal: AbortSignal.timeout(30_000) })
  assert.ok(answer.ok, `${url}: ${answer.status}`)
  return answer.json()
}

const targets = z.object({
  data: z.object({
    activeTargets: z.array(
      z.object({ labels: z.object({ job: z.string(), instance: z.string() }), health: z.string() }),
    ),
  }),
})

/** How many targets of each job there are, and how many of them answer, as `web 3/3`. */
async function readTargets(): Promise<string[]> {
  const { activeTargets } = targets.parse(await readJson(`${prometheus}/api/v1/targets?state=active`)).data
  const byJob = Map.groupBy(activeTargets, ({ labels }) => labels.job)
  return [...byJob]
    .map(([job, all]) => `${job} ${all.filter(({ health }) => health === 'up').length}/${all.length}`)
    .toSorted()
}

const targetsWith = (replicas: number) => ['nginx 1/1', 'nginx_status 1/1', `web ${replicas}/${replicas}`]

const vector = z.object({
  data: z.object({ result: z.array(z.object({ value: z.tuple([z.number(), z.string()]) })) }),
})

/** The only value of a query now; NaN if there is none. */
async function query(expression: string): Promise<number> {
  const url = `${prometheus}/api/v1/query?${new URLSearchParams({ query: expression })}`
  const { result } = vector.parse(await readJson(url)).data
  assert.ok(result.length <= 1, `${expression} has ${result.length} values`)
  return Number(result[0]?.value[1] ?? Number.NaN)
}

/** Waits at most as long as a server may stay a target after it left, and its series may stay current. */
async function expectTargets(replicas: number): Promise<void> {
  await waitUntil(`Prometheus reaches ${replicas} servers and nothing else is a target`, 60_000, async () => {
    const all = (await readTargets()).join()
    return all === targetsWith(replicas).join() && (await query('count(up{job="web"})')) === replicas
  })
}

/** The sum of all servers' hits, as scraped after this call. */
async function scrapedHits(): Promise<number> {
  const now = Date.now() / 1000
  await waitUntil('every server is scraped once more', 60_000, async () => {
    return (await query('min(timestamp(balance_board_hits_total))')) > now
  })
  return query('sum(balance_board_hits_total)')
}

/** All containers of the project that go on, by name. */
async function containers(): Promise<string[]> {
  const filter = ['--filter', `label=com.docker.compose.project=${project}`]
  return (await docker(['ps', '--format', '{{.Names}} {{.ID}}', ...filter]))
    .split('\n')
    .filter(Boolean)
    .toSorted()
}

const config = z.looseObject({
  services: z.record(
    z.string(),
    z.looseObject({
      profiles: z.array(z.string()).optional(),
      environment: z.record(z.string(), z.string().nullable()).default({}),
      ports: z.array(z.looseObject({ host_ip: z.string().optional() })).default([]),
      read_only: z.boolean().default(false),
      mem_limit: z.string().optional(),
      volumes: z.array(z.looseObject({ source: z.string().optional() })).default([]),
    }),
  ),
})

test('the profile has five services, on 127.0.0.1 alone, read-only, with limits, and Grafana without a default password', async () => {
  const parse = async (...words: string[]) =>
    config.parse(JSON.parse(await compose(...words, 'config', '--format', 'json'))).services
  const all = await parse('--profile', 'monitoring')
  const added = Object.keys(all).filter(name => all[name]?.profiles?.includes('monitoring'))
  assert.deepEqual(added.toSorted(), [...services, 'grafana'].toSorted())
  assert.deepEqual(
    Object.keys(await parse()).toSorted(),
    Object.keys(all)
      .filter(name => !added.includes(name))
      .toSorted(),
  )
  for (const name of added) {
    const { ports = [], read_only, mem_limit } = all[name] ?? {}
    assert.deepEqual([name, read_only, Number(mem_limit) > 0], [name, true, true])
    for (const { host_ip } of ports) assert.equal(host_ip, '127.0.0.1', name)
  }
  const environment = all.grafana?.environment ?? {}
  assert.equal(environment.GF_AUTH_ANONYMOUS_ENABLED, 'false')
  assert.equal(environment.GF_SECURITY_ADMIN_PASSWORD, undefined)
  const file = environment.GF_SECURITY_ADMIN_PASSWORD__FILE ?? ''
  const withSecrets = (volume: string) =>
    Object.keys(all).filter(name => all[name]?.volumes.some(({ source }) => source === volume))
  assert.deepEqual(withSecrets('grafana-secrets').toSorted(), ['grafana', 'secrets'])
  assert.ok(!withSecrets('secrets').includes('grafana'))
  const volume = ['--volume', `${project}_grafana-secrets:/run/secrets:ro`]
  const kept = await docker(['run', '--rm', '--user', '472', ...volume, 'node:26-slim', 'cat', file])
  assert.match(kept, /^[0-9a-f]{48}$/)
})

test('monitoring starts beside a running board and restarts none of it; all targets answer', async () => {
  await settle(3)
  const board = await containers()
  await startMonitoring()
  const running = await containers()
  assert.deepEqual(
    board.filter(each => !running.includes(each)),
    [],
  )
  assert.equal(running.length, board.length + services.length)
  await expectTargets(3)
})

test('the hits that Prometheus has agree with the audit', async t => {
  await settle(3)
  await startMonitoring()
  await expectTargets(3)
  const [before, hitsBefore] = [await readAudit(), await scrapedHits()]
  const visits = await visitMany(`${baseUrl}/`, { connections: 4, pageViews: 200 })
  const [now, hits] = [await readAudit(), await scrapedHits()]
  assert.equal(now.consistent, true)
  // On a busy machine a page view can fail, or NGINX can try it twice. Then it may be counted without an answer, or answered twice.
  const uncertain = visits.filter(({ status, earlierTry }) => status !== 200 || earlierTry).length
  const [counted, scraped] = [now.counter - before.counter, hits - hitsBefore]
  t.diagnostic(`${visits.length} page views, ${uncertain} uncertain; counted ${counted}, scraped ${scraped}`)
  assert.ok(visits.length - uncertain > 0)
  assert.ok(Math.abs(counted - scraped) <= uncertain)
  assert.ok(Math.abs(visits.length - counted) <= uncertain)
  await waitUntil('the counter that servers know is the counter', 60_000, async () => {
    return (await query('max(balance_board_newest_number)')) === (await readAudit()).counter
  })
})

test('under a small load the queries of the dashboards return data', async t => {
  await settle(3)
  await startMonitoring()
  await expectTargets(3)
  let results: Awaited<ReturnType<typeof runQueries>> = []
  await visitWhile(async () => {
    await waitUntil(`${100 * leastShare} % of the queries return data`, 120_000, async () => {
      results = await runQueries(prometheus)
      return shareWithData(results) >= leastShare
    })
  })
  const refused = results.filter(({ error }) => error !== undefined)
  assert.deepEqual(refused, [])
  const without = results.filter(({ series }) => series === 0).map(({ panel, query }) => `${panel}: ${query}`)
  t.diagnostic(
    `${results.length - without.length} of ${results.length} queries return data; none: ${without.join('; ')}`,
  )
})

test('3 → 6 → 2 servers without a change of configuration: a server is a target while it runs, and not a minute longer', async () => {
  await settle(3)
  await startMonitoring()
  const before = await readJson(`${prometheus}/api/v1/status/config`)
  await expectTargets(3)
  await settle(6)
  await expectTargets(6)
  await settle(2)
  await expectTargets(2)
  assert.deepEqual(await readJson(`${prometheus}/api/v1/status/config`), before)
})

const texts = z.record(z.string(), z.string())
const alerts = z.array(z.looseObject({ labels: texts, annotations: texts }))

/** Waits until an alert fires at Alertmanager, with a link to its runbook, or no longer does. */
async function expectAlert(name: string, fires: boolean): Promise<void> {
  const filter = new URLSearchParams({ filter: `alertname="${name}"` })
  await waitUntil(`${name} ${fires ? 'fires' : 'ends'}`, 120_000, async () => {
    const firing = alerts.parse(await readJson(`${alertmanager}/api/v2/alerts?${filter}`))
    for (const { labels, annotations } of firing) {
      assert.equal(annotations.runbook_url, `${process.env.RUNBOOK_URL}#${name.toLowerCase()}`)
      assert.equal(labels.runbooks, undefined)
    }
    return firing.length > 0 === fires
  })
}

test('a frozen server raises ReplicaLost, and it ends', async () => {
  await settle(3)
  await startMonitoring()
  await expectTargets(3)
  const [replica] = await runningReplicas()
  assert.ok(replica)
  await docker(['pause', replica.id])
  try {
    await expectAlert('ReplicaLost', true)
  } finally {
    await docker(['unpause', replica.id])
  }
  await expectAlert('ReplicaLost', false)
})

for (const [what, service, alert] of [
  ['database', 'mysql', 'DatabaseAway'],
  ['NGINX', 'nginx', 'NginxDown'],
] as const)
  test(`a frozen ${what} raises ${alert}, and it ends`, async () => {
    await settle(3)
    await startMonitoring()
    await expectTargets(3)
    await compose('pause', service)
    try {
      await expectAlert(alert, true)
    } finally {
      await compose('unpause', service)
    }
    await expectAlert(alert, false)
    await settle(3)
    assert.equal((await readAudit()).consistent, true)
  })

test('plain `up -d` recreates nothing while monitoring runs, and neither does `up -d` with the profile', async () => {
  await settle(3)
  await startMonitoring()
  const running = await containers()
  await compose('up', '--detach')
  assert.deepEqual(await containers(), running)
  await compose('up', '--detach', '--remove-orphans')
  assert.deepEqual(await containers(), running)
  await startMonitoring()
  assert.deepEqual(await containers(), running)
})
