// `npm run monitoring` beside a whole board, with the programs of this machine. Run by `npm run test:monitoring`, and not by
// `npm test`, which needs no Prometheus.

import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readFileSync, statSync, truncateSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { z } from 'zod'
import { findProgram } from '../tools/install/programs.mjs'
import { buildIfChanged } from '../tools/launcher/stack/build.ts'
import { writeAtomically } from '../tools/launcher/stack/data-dir.ts'
import { startStack } from '../tools/launcher/stack/stack.ts'
import { builtReplica, root } from '../tools/launcher/stack/stack-options.ts'
import { alive, signalProcess } from '../tools/lib/processes.ts'
import { eventually, startStubServer, temporaryFolder } from '../tools/lib/testing.ts'
import { visitMany } from '../tools/lib/visitors.ts'
import { answers } from '../tools/lib/wait.ts'
import { leastShare, runQueries, shareWithData } from './grafana/dashboards.ts'

const run = promisify(execFile)

const service = z.object({ url: z.string(), pid: z.number() })
const monitoringFile = z.object({ prometheus: service, alertmanager: service })

const targetsAnswer = z.object({
  data: z.object({
    activeTargets: z.array(
      z.object({ labels: z.object({ job: z.string(), instance: z.string() }), health: z.string() }),
    ),
  }),
})
const rulesAnswer = z.object({
  data: z.object({
    groups: z.array(
      z.object({ rules: z.array(z.object({ name: z.string(), type: z.string(), health: z.string() })) }),
    ),
  }),
})
const alertsAnswer = z.object({
  data: z.object({
    alerts: z.array(z.object({ labels: z.object({ alertname: z.string() }), state: z.string() })),
  }),
})
const receivedAlerts = z.array(
  z.object({
    labels: z.looseObject({ alertname: z.string() }),
    annotations: z.object({ runbook_url: z.string() }),
  }),
)
const valueAnswer = z.object({
  data: z.object({ result: z.array(z.object({ value: z.tuple([z.number(), z.string()]) })) }),
})
const auditAnswer = z.object({ counter: z.number(), consistent: z.boolean() })

async function read<Answer>(url: string, answer: z.ZodType<Answer>): Promise<Answer> {
  const response = await fetch(url, { signal: AbortSignal.timeout(20_000) })
  return answer.parse(await response.json())
}

const runbooks = 'https://wiki.example/board'

/** Starts `npm run monitoring`'s program and waits for its file. Ends it when it goes out of scope. */
async function startMonitoring(
  dataDir: string,
  ports: { PROMETHEUS_PORT?: string; ALERTMANAGER_PORT?: string } = {},
) {
  const env = {
    ...process.env,
    DATA_DIR: dataDir,
    PROMETHEUS_PORT: '',
    ALERTMANAGER_PORT: '',
    ...ports,
    RUNBOOK_URL: runbooks,
  }
  const program = join(root, 'tools/launcher/monitoring.ts')
  const child = spawn(process.execPath, [program], { env, stdio: ['ignore', 'pipe', 'pipe'] })
  const said: string[] = []
  for (const stream of [child.stdout, child.stderr]) stream.on('data', chunk => said.push(String(chunk)))
  const exited = once(child, 'exit')
  const path = join(dataDir, 'monitoring.json')
  const end = async () => {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM')
    return exited
  }
  try {
    await eventually(() => {
      if (child.exitCode !== null) throw new Error(`the monitoring ended: ${said.join('')}`)
      return said.join('').includes('Ctrl-C stops it')
    })
    const { prometheus, alertmanager } = monitoringFile.parse(JSON.parse(readFileSync(path, 'utf8')))
    return {
      prometheus,
      alertmanager,
      path,
      child,
      exited,
      end,
      said,
      [Symbol.asyncDispose]: async () => void (await end()),
    }
  } catch (error) {
    await end()
    throw error
  }
}

/** The addresses that Prometheus scrapes and reaches, by job and in order. */
async function targetsUp(prometheus: string): Promise<string[]> {
  const { data } = await read(`${prometheus}/api/v1/targets?state=active`, targetsAnswer)
  return data.activeTargets
    .filter(({ health }) => health === 'up')
    .map(({ labels }) => `${labels.job} ${labels.instance}`)
    .sort()
}

async function isFiring(prometheus: string, alertname: string): Promise<boolean> {
  const { data } = await read(`${prometheus}/api/v1/alerts`, alertsAnswer)
  return data.alerts.some(({ labels, state }) => labels.alertname === alertname && state === 'firing')
}

const untilFiring = (url: string, alertname: string) =>
  eventually(() => isFiring(url, alertname), { everyMs: 200 })
const untilSilent = (url: string, alertname: string) =>
  eventually(async () => !(await isFiring(url, alertname)), { everyMs: 200 })

/** Fails on what promtool reports of names, units, types and help texts. */
async function checkConventions(url: string): Promise<void> {
  const promtool = findProgram('promtool')
  assert.ok(promtool, 'promtool is not installed')
  const check = run(promtool, ['check', 'metrics'])
  check.child.stdin?.end(await (await fetch(url)).text())
  await check.catch(({ stderr }) => assert.fail(`${url}: ${stderr}`))
}

test('the rules pass their tests, and Prometheus accepts the configuration for compose', {
  timeout: 300_000,
}, async () => {
  const promtool = findProgram('promtool')
  assert.ok(promtool, 'promtool is not installed')
  const files = ['rules.test.yml', 'rules-of-hours.test.yml']
  const options = { cwd: import.meta.dirname, maxBuffer: 16 * 1024 * 1024 }
  await run(promtool, ['check', 'config', 'prometheus.yml'], options)
  await run(promtool, ['test', 'rules', ...files], options)
})

test('without a board the monitoring says so in one sentence, and leaves nothing', {
  timeout: 60_000,
}, async () => {
  await using folder = await temporaryFolder()
  const env = { ...process.env, DATA_DIR: folder.path }
  await assert.rejects(run(process.execPath, [join(root, 'tools/launcher/monitoring.ts')], { env }), {
    code: 1,
    stderr: `Balance Board: no board is running on ${folder.path}: run npm start first (with Docker: see docs/operations.md, Monitoring with Docker)\n`,
  })
  await assert.rejects(
    startMonitoring(folder.path, { PROMETHEUS_PORT: '9090', ALERTMANAGER_PORT: '9090' }),
    /ALERTMANAGER_PORT must be another port than PROMETHEUS_PORT/,
  )
  assert.ok(!existsSync(join(folder.path, 'monitoring')))
})

test('a board is monitored: targets, rules, counts, dashboards, a frozen replica, a frozen database, replicas that come and go', {
  timeout: 600_000,
}, async () => {
  await using resources = new AsyncDisposableStack()
  const temporary = resources.use(await temporaryFolder())
  // Prometheus takes the paths in its configuration as patterns.
  const folder = { path: join(temporary.path, 'a board [1]*') }
  mkdirSync(folder.path)
  await buildIfChanged(() => {}, new AbortController().signal)
  const replica = builtReplica(process.env)
  const stack = await startStack({ dataDir: folder.path, replicas: 3, replica, database: { size: 'small' } })
  resources.defer(stack.stop)
  const file = stack.file()
  resources.defer(() => {
    for (const { pid } of [...stack.file().replicas, stack.file().database]) signalProcess(pid, 'SIGCONT')
  })
  {
    // A program that would pass for Prometheus or Alertmanager
    await using other = await startStubServer((_request, response) => response.end())
    for (const setting of ['PROMETHEUS_PORT', 'ALERTMANAGER_PORT'])
      await assert.rejects(
        startMonitoring(folder.path, { [setting]: String(other.port) }),
        new RegExp(`port ${other.port} of 127.0.0.1 is in use: .*, or set ${setting} to another port`),
      )
  }
  const monitoring = resources.use(await startMonitoring(folder.path))
  const { url } = monitoring.prometheus
  const { nginx_log_exporter = '', nginx_status_exporter = '' } = file.monitoring ?? {}
  const exporters = [`nginx ${nginx_log_exporter}`, `nginx_status ${nginx_status_exporter}`]
  const replicas = file.replicas.map(({ address }) => `web ${address}`)
  await eventually(async () => String(await targetsUp(url)) === String([...exporters, ...replicas].sort()))
  for (const address of [nginx_log_exporter, ...file.replicas.map(({ address }) => address)])
    await checkConventions(`http://${address}/metrics`)

  await assert.rejects(startMonitoring(folder.path), /the monitoring is already running on .*\(process \d+\)/)
  assert.equal(alive([monitoring.prometheus.pid]).length, 1)

  // A log stays within its limit.
  const log = join(folder.path, 'monitoring/logs/prometheus.log')
  truncateSync(log, 21 * 1024 * 1024)
  await eventually(() => statSync(log).size < 1024 * 1024)

  // Counts of Prometheus and the audit
  const page = `${stack.url}/`
  await visitMany(page, { connections: 4, pageViews: 200 })
  const audit = await read(`${stack.url}/api/audit`, auditAnswer)
  assert.equal(audit.counter, 200)
  const sum = async (metric: string) => {
    const { data } = await read(
      `${url}/api/v1/query?${new URLSearchParams({ query: `sum(${metric})` })}`,
      valueAnswer,
    )
    return Number(data.result[0]?.value[1])
  }
  await eventually(async () => (await sum('balance_board_hits_total')) === audit.counter, { everyMs: 200 })

  const ending = new AbortController()
  const load = visitMany(page, { connections: 4, perSecond: 20, forMs: 500_000, until: ending.signal })
  resources.defer(async () => {
    ending.abort()
    await load
  })
  await eventually(async () => (await sum('balance_board_nginx_page_views_total')) > 0, { everyMs: 200 })

  const rules = await eventually(async () => {
    const { data } = await read(`${url}/api/v1/rules`, rulesAnswer)
    const all = data.groups.flatMap(group => group.rules)
    return all.every(({ health }) => health === 'ok') && all
  })
  const alerts = new Set(rules.filter(({ type }) => type === 'alerting').map(({ name }) => name))
  assert.ok(alerts.size >= 12, `${alerts.size} alerts`)

  // A frozen replica. The launcher restarts it after 25 s.
  const [frozen] = file.replicas
  assert.ok(frozen)
  signalProcess(frozen.pid, 'SIGSTOP')
  await untilFiring(url, 'ReplicaLost')
  await eventually(async () => {
    const received = await read(`${monitoring.alertmanager.url}/api/v2/alerts`, receivedAlerts)
    const lost = received.find(({ labels }) => labels.alertname === 'ReplicaLost')
    if (!lost) return false
    assert.equal(lost.annotations.runbook_url, `${runbooks}#replicalost`)
    assert.ok(!('runbooks' in lost.labels))
    return true
  })
  signalProcess(frozen.pid, 'SIGCONT')
  await untilSilent(url, 'ReplicaLost')

  signalProcess(file.database.pid, 'SIGSTOP')
  await untilFiring(url, 'DatabaseAway')
  signalProcess(file.database.pid, 'SIGCONT')
  await untilSilent(url, 'DatabaseAway')

  await eventually(async () => shareWithData(await runQueries(url)) >= leastShare, { everyMs: 1000 })
  const failed = (await runQueries(url)).filter(({ error }) => error !== undefined)
  assert.deepEqual(failed, [])
  ending.abort()
  await load

  // 3, then 6, then 2 replicas
  const more: string[] = []
  for (let n = 0; n < 3; n++) {
    const stub = await startStubServer((_request, response) => {
      response.writeHead(200, { 'content-type': 'text/plain; version=0.0.4' }).end('stub 1\n')
    })
    resources.use(stub)
    more.push(`127.0.0.1:${stub.port}`)
  }
  const targets = async (wanted: string[]) => {
    writeAtomically(
      join(folder.path, 'prometheus-targets.json'),
      JSON.stringify([{ targets: wanted, labels: { job: 'web' } }]),
    )
    // A minute, and time for a busy machine
    await eventually(
      async () => String(await targetsUp(url)) === String(wanted.map(each => `web ${each}`).sort()),
    )
  }
  const real = file.replicas.map(({ address }) => address)
  await targets([...real, ...more])
  await targets(real.slice(0, 2))

  // Killed, it leaves nothing.
  const pids = [monitoring.prometheus.pid, monitoring.alertmanager.pid]
  monitoring.child.kill('SIGKILL')
  await monitoring.exited
  await eventually(() => alive(pids).length === 0 && !existsSync(monitoring.path))
  for (const address of [nginx_log_exporter, nginx_status_exporter])
    await eventually(async () => !(await answers(`http://${address}/`, { accepts: () => true })))

  // Started again, it stops in order.
  const again = resources.use(await startMonitoring(folder.path))
  assert.deepEqual(await again.end(), [0, null], again.said.join(''))
  assert.deepEqual(alive([again.prometheus.pid, again.alertmanager.pid]), [])
  assert.ok(!existsSync(again.path))
})
