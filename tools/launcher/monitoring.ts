// `npm run monitoring`: Prometheus, Alertmanager and NGINX's two exporters beside a running `npm start`, until a signal stops
// them. What is scraped is in a file that `npm start` writes, so the servers may change. The exporters run where stack.json says,
// and follow when the board is started again. With Docker the compose profile `monitoring` does the same.

import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readFileSync, rmSync } from 'node:fs'
import { join, relative } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { promisify } from 'node:util'
import { reasonOf, UserError } from '../../web/server/errors.ts'
import { findProgram } from '../install/programs.mjs'
import { checkPort, isFree } from '../lib/ports.ts'
import { alive, boundLogs, signalGroup } from '../lib/processes.ts'
import { print } from '../lib/terminal.ts'
import { runUntilSignal } from './command.ts'
import { loadMonitoringSettings } from './settings.ts'
import { type DataDir, dataDirAt, readStackFile, type StackFile, writeAtomically } from './stack/data-dir.ts'
import { root } from './stack/stack-options.ts'
import { bringUp, type KeptService, type RunningService, spawnService } from './stack/supervise.ts'
import { openWorkspace, outOfDateWarning, type Workspace } from './stack/workspace.ts'

/** Where NGINX's exporters run, from stack.json. */
type ExporterPlaces = NonNullable<StackFile['monitoring']>

type Program = {
  name: string
  /** absolute path */
  program: string
  arguments: string[]
  environment?: Record<string, string>
  /** http://ip:port */
  url: string
  /** path that answers 200 when it is ready */
  ready: string
}

const rulesFile = 'rules.yml'

/**
 * Major and minor number. An earlier Prometheus refuses the rules, which have `keep_firing_for`.
 * Source: https://github.com/prometheus/prometheus/releases/tag/v2.42.0
 */
const leastPrometheus = [2, 42] as const

/** How much Prometheus keeps, whichever is less: the longest window of the rules is 3 days. */
const retention = { time: '7d', size: '512MB' }

/** ms between two looks at stack.json */
const followMs = 1000

/** The monitoring of the board in `dataDir`, and what it writes. */
type Place = { board: DataDir; monitoringFile: string; workspace: Workspace }

await runUntilSignal(async signal => {
  const settings = loadMonitoringSettings()
  const board = dataDirAt(settings.dataDir)
  const exporters = readExporterPlaces(board)
  const resources = new AsyncDisposableStack()
  try {
    const folder = join(board.folder, 'monitoring')
    const workspace = await openWorkspace(
      { dataDir: folder, what: 'the monitoring', report: print, signal },
      resources,
    )
    const place = { board, monitoringFile: join(board.folder, 'monitoring.json'), workspace }
    const url = await assemble(place, exporters, settings)
    return { name: 'Prometheus', url, stop: () => resources.disposeAsync() }
  } catch (error) {
    await resources.disposeAsync()
    throw error
  }
})

/** @throws UserError if no board runs there */
function readExporterPlaces({ folder, stackFile }: DataDir): ExporterPlaces {
  const stack = readStackFile(stackFile)
  if (!stack || alive([stack.nginx.pid, ...stack.replicas.map(({ pid }) => pid)]).length === 0)
    throw new UserError(
      `no board is running on ${folder}: run npm start first (with Docker: see docs/operations.md, Monitoring with Docker)`,
    )
  if (!stack.monitoring)
    throw new UserError(`the board on ${folder} was started by an earlier version: start it again first`)
  return stack.monitoring
}

/** Starts everything. @returns Prometheus's address */
async function assemble(
  place: Place,
  exporters: ExporterPlaces,
  settings: ReturnType<typeof loadMonitoringSettings>,
): Promise<string> {
  const { monitoringFile, workspace } = place
  const { roster, resources, report } = workspace
  rmSync(monitoringFile, { force: true }) // of a killed one
  resources.defer(boundLogs(workspace.dataDir))
  const urls = await chooseUrls(settings, workspace)
  const alertmanager = alertmanagerAt(urls.alertmanager, workspace)
  const config = prometheusConfig(alertmanager.url, settings.runbookUrl, place)
  const prometheus = prometheusAt(urls.prometheus, config, workspace)
  await checkPrometheus(prometheus.program)
  for (const program of [alertmanager, prometheus]) resources.defer((await keep(program, place)).stop)
  await followBoard(place, exporters)

  const publish = () =>
    writeAtomically(
      monitoringFile,
      JSON.stringify(
        {
          prometheus: { url: prometheus.url, pid: roster.pidOf(prometheus.name) },
          alertmanager: { url: alertmanager.url, pid: roster.pidOf(alertmanager.name) },
        },
        null,
        2,
      ),
    )
  resources.defer(() => rmSync(monitoringFile, { force: true }))
  publish()
  const failed = outOfDateWarning(monitoringFile, report)
  roster.onChange(() => {
    try {
      publish()
    } catch (error) {
      failed(error)
    }
  })
  return prometheus.url
}

/** The wanted ports, else the usual ones if they are free, else free ones. Only this machine reaches them. @throws UserError */
async function chooseUrls({ ports }: ReturnType<typeof loadMonitoringSettings>, { freePort }: Workspace) {
  // Another program at a wanted port would answer as if it were ready.
  for (const [setting, port] of Object.entries(ports)) if (port) await checkPort('127.0.0.1', port, setting)
  const wanted = Object.values(ports)
  const urlAt = async (port: number | undefined, usual: number) => {
    const usable = !wanted.includes(usual) && (await isFree(usual))
    return `http://127.0.0.1:${port ?? (usable ? usual : await freePort())}`
  }
  return {
    prometheus: await urlAt(ports.PROMETHEUS_PORT, 9090),
    alertmanager: await urlAt(ports.ALERTMANAGER_PORT, 9093),
  }
}

/** Source of the options: https://prometheus.io/docs/prometheus/latest/command-line/prometheus/ */
function prometheusAt(url: string, settings: object, { dataDir: { folder } }: Workspace): Program {
  // Prometheus takes the paths in its configuration as patterns. So they are relative to its folder, whose name may have `*` or `[`.
  const config = 'prometheus.json'
  writeAtomically(join(folder, config), JSON.stringify(settings, null, 2))
  writeAtomically(join(folder, rulesFile), readFileSync(join(root, 'monitoring', rulesFile), 'utf8'))
  return {
    name: 'prometheus',
    program: installed('Prometheus', 'prometheus'),
    arguments: [
      `--config.file=${config}`,
      `--storage.tsdb.path=${subfolder(folder, 'prometheus')}`,
      `--storage.tsdb.retention.time=${retention.time}`,
      `--storage.tsdb.retention.size=${retention.size}`,
      `--web.listen-address=${new URL(url).host}`,
      `--web.external-url=${url}/`,
    ],
    url,
    ready: '/-/ready',
  }
}

/** As monitoring/prometheus.yml, with the targets that `npm start` writes. JSON is YAML too. */
function prometheusConfig(
  alertmanager: string,
  runbooks: string,
  { board: { targetsFile }, workspace }: Place,
) {
  const { folder } = workspace.dataDir
  return {
    global: {
      scrape_interval: '5s',
      scrape_timeout: '4s',
      evaluation_interval: '5s',
      external_labels: { runbooks },
    },
    rule_files: [rulesFile],
    alerting: {
      alert_relabel_configs: [{ regex: 'runbooks', action: 'labeldrop' }],
      alertmanagers: [{ static_configs: [{ targets: [new URL(alertmanager).host] }] }],
    },
    // Each group of targets in the file names its job: web, nginx, nginx_status.
    scrape_configs: [
      {
        job_name: 'board',
        file_sd_configs: [{ files: [relative(folder, targetsFile)], refresh_interval: '5s' }],
      },
    ],
  }
}

function alertmanagerAt(url: string, { dataDir }: Workspace): Program {
  return {
    name: 'alertmanager',
    program: installed('Alertmanager', 'prometheus-alertmanager', 'alertmanager'),
    arguments: [
      `--config.file=${join(root, 'monitoring/alertmanager.yml')}`,
      `--storage.path=${subfolder(dataDir.folder, 'alertmanager')}`,
      `--web.listen-address=${new URL(url).host}`,
      `--web.external-url=${url}/`,
      '--cluster.listen-address=', // there is only one
    ],
    url,
    ready: '/-/ready',
  }
}

function subfolder(folder: string, name: string): string {
  const path = join(folder, name)
  mkdirSync(path, { recursive: true, mode: 0o700 })
  return path
}

function exportersAt(places: ExporterPlaces): Program[] {
  const log = new URL(`http://${places.nginx_log_exporter}`)
  return [
    {
      name: 'nginx-log-exporter',
      program: process.execPath,
      arguments: [join(root, 'monitoring/nginx-log-exporter/main.ts')],
      environment: { HOST: log.hostname, PORT: log.port, STATUS_OF: places.nginx_status },
      url: log.origin,
      ready: '/health',
    },
    {
      name: 'nginx-exporter',
      program: installed(
        'the NGINX exporter of Prometheus',
        'prometheus-nginx-exporter',
        'nginx-prometheus-exporter',
      ),
      arguments: [
        `--nginx.scrape-uri=${places.nginx_status}`,
        `--web.listen-address=${places.nginx_status_exporter}`,
      ],
      url: `http://${places.nginx_status_exporter}`,
      ready: '/',
    },
  ]
}

/** The path of a program under one of its names: Debian's, then that of its authors. @throws UserError */
function installed(what: string, ...names: string[]): string {
  const path = names.map(name => findProgram(name)).find(found => found !== null)
  if (!path) throw new UserError(`${what} is not installed: no program ${names.join(' or ')} is on PATH`)
  return path
}

/** @throws UserError if this Prometheus is too old. One that does not say its version, or does not run, fails when it is started. */
async function checkPrometheus(program: string): Promise<void> {
  const { stdout, stderr } = await promisify(execFile)(program, ['--version']).catch(() => ({
    stdout: '',
    stderr: '',
  }))
  const [, version, major, minor] = /version ((\d+)\.(\d+)[.\d]*)/.exec(stdout + stderr) ?? []
  if (version === undefined) return
  const [leastMajor, leastMinor] = leastPrometheus
  if (Number(major) > leastMajor || (Number(major) === leastMajor && Number(minor) >= leastMinor)) return
  throw new UserError(
    `Prometheus ${leastPrometheus.join('.')} or later is needed, this is ${version}: ${program}. Put a newer one before it on PATH`,
  )
}

/** Starts a program and keeps it running. If this process is killed, the program ends too. */
async function keep(program: Program, { monitoringFile, workspace }: Place): Promise<KeptService> {
  const { dataDir, record } = workspace
  const start = async (signal: AbortSignal): Promise<RunningService> => {
    const service = await spawnService(
      {
        ...program,
        cwd: dataDir.folder,
        environment: { ...process.env, ...program.environment },
        log: join(dataDir.logs, `${program.name}.log`),
        record,
        readyUrl: `${program.url}${program.ready}`,
        readyWithin: 60_000,
        liveness: null,
        endings: [['SIGTERM', 10_000]],
      },
      signal,
    )
    const release = await endWithThisProcess(service.pid, monitoringFile)
    void service.exited.then(release)
    return service
  }
  const { kept } = await bringUp(program.name, start, () => program.url, workspace)
  return kept
}

/**
 * Ends the process group `group` and removes `file` when this process is gone, also after SIGKILL: a shell waits for the end of a
 * pipe that only this process holds. @returns a function that ends the shell
 */
async function endWithThisProcess(group: number, file: string): Promise<() => void> {
  const script = `
    cat >/dev/null; rm -f -- "$2"; kill -TERM -"$1"
    for second in 1 2 3 4 5; do kill -0 -"$1" || exit; sleep 1; done; kill -KILL -"$1"`
  const words = ['-c', script, 'sh', String(group), file]
  const shell = spawn('sh', words, { stdio: ['pipe', 'ignore', 'ignore'], detached: true })
  await once(shell, 'spawn')
  return () => {
    if (shell.pid !== undefined) signalGroup(shell.pid, 'SIGKILL')
  }
}

/** Starts the exporters, and again wherever stack.json says when the board was started again. */
async function followBoard(place: Place, first: ExporterPlaces): Promise<void> {
  const { board, workspace } = place
  const { report, resources } = workspace
  const stopping = new AbortController()
  let running: KeptService[] = []
  const stopAll = async () => {
    const stopped = running
    running = []
    await Promise.all(stopped.map(({ stop }) => stop()))
  }
  const startAll = async (places: ExporterPlaces) => {
    for (const exporter of exportersAt(places)) running.push(await keep(exporter, place))
  }
  resources.defer(stopAll)
  await startAll(first)

  let reported = ''
  const follow = async () => {
    for (let current: string | undefined = JSON.stringify(first); ; ) {
      await pause(followMs, null, { signal: stopping.signal })
      const places = readStackFile(board.stackFile)?.monitoring
      const wanted = places && JSON.stringify(places)
      if (wanted === current) continue
      if (!places) report('monitoring', 'the board has stopped: waiting for the next npm start')
      await stopAll()
      try {
        if (places) await startAll(places)
        current = wanted
        reported = ''
      } catch (error) {
        const text = `an exporter does not start: ${reasonOf(error)}`
        if (text !== reported && !workspace.signal.aborted) report('monitoring', text)
        reported = text
        current = undefined
      }
    }
  }
  const following = follow().catch(() => {}) // aborted
  resources.defer(async () => {
    stopping.abort()
    await following
  })
}
