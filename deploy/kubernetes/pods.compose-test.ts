import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { Agent } from 'node:http'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { z } from 'zod'
import { eventually, temporaryFolder } from '../../tools/lib/testing.ts'
import { type Answer, visitOnce } from '../../tools/lib/visitors.ts'
import { waitUntil } from '../../tools/lib/wait.ts'
import { containerLog, docker } from '../compose/docker.ts'
import {
  type Container,
  find,
  type KubernetesObject,
  render,
  selectorOf,
  selects,
  variablesOf,
} from './testing/render.ts'

// The overlay `demo` with Docker in place of a cluster. It needs the image that compose has built for `web`. As with Kubernetes, a
// first container of each pod holds the pod's address, the others join its network, and get the users, restrictions, variables and
// files that the objects say.
const project = process.env.COMPOSE_PROJECT_NAME
const images = { 'balance-board-web': `${project}-web`, 'balance-board-nginx': `${project}-nginx` }
const url = (account: string) => `mysql://${account}@database/balance_board`
const secrets = {
  'database-owner': { url: url('board'), password: 'owner0password' },
  'database-replica': { url: url('board_replica'), password: 'replica0password' },
  control: { token: 'the-token-of-this-test' },
}

const snapshot = z.looseObject({ servers: z.array(z.unknown()) })
const audit = z.looseObject({ counter: z.number(), consistent: z.boolean() })

/** The answer of an API endpoint, once it is one. */
const readApi = <T>(address: string, schema: z.ZodType<T>) =>
  eventually(async () => {
    const answer = await fetch(address)
    return answer.ok ? schema.parse(await answer.json()) : null
  })

const killWorkers = "kill -9 $(grep -la '^nginx: worker process' /proc/[0-9]*/cmdline | cut -d/ -f3)"

/** Opens a connection for each visit. */
const agent = new Agent()

/** The disk of a busy machine took longer than 1.5 s: the visit was refused with that reason, and not counted. */
const isRefused = ({ code }: Answer) => code === 'counter_unavailable'

/** Visits the board until the visit is counted. */
const visit = (board: string, cookie: string) =>
  eventually(async () => {
    const visited = await visitOnce(board, { agent, cookie })
    return visited.answer.status === 200 && visited
  })

/** Visits the board ten times a second, as a visitor that keeps its cookie. `answers` gets those that were not refused. */
async function visitUntil(signal: AbortSignal, board: string, answers: Answer[]): Promise<void> {
  for (let cookie = ''; !signal.aborted; await pause(100)) {
    const { answer, setCookie } = await visitOnce(board, { agent, cookie })
    if (!isRefused(answer)) answers.push(answer)
    cookie = setCookie || cookie
  }
}

test('the demo’s pods serve with all their restrictions: any NGINX honours the cookie, a replica that stops under load loses nothing, and a killed NGINX serves again', async () => {
  await docker(['build', '--quiet', '--tag', images['balance-board-nginx'], 'nginx'])
  await using _image = {
    [Symbol.asyncDispose]: () => docker(['image', 'rm', images['balance-board-nginx']]).then(() => {}),
  }
  const { objects } = await render('demo')
  await using cluster = await startCluster(objects, { images, secrets })
  const create = (kind: string, name: string, count = 1) =>
    Promise.all(Array.from({ length: count }, () => cluster.createPod(kind, name)))

  const [[database], [migration], replicas, fronts] = await Promise.all([
    create('StatefulSet', 'database'),
    create('Job', 'migration'),
    create('Deployment', 'web', 3),
    create('Deployment', 'nginx', 2),
  ])
  assert.ok(database && migration)
  await database.start()
  await database.ready()
  // All together, as in a cluster: the init containers wait for the migration.
  const started = Promise.all([...replicas, ...fronts].map(pod => pod.start()))
  assert.match(await migration.run(), /migrated: /)
  await started
  await Promise.all([...replicas, ...fronts].map(pod => pod.ready()))

  const boards = await Promise.all(fronts.map(pod => pod.urlOf('http')))
  const [board = '', other = ''] = boards
  await eventually(async () => (await readApi(`${board}/api/snapshot`, snapshot)).servers.length === 3)
  const first = await visit(board, '')
  const srvIds = replicas.map(({ ip }) => createHash('md5').update(`${ip}:3000`).digest('hex'))
  assert.equal(first.setCookie, `srv_id=${first.answer.srvId}`)
  assert.ok(srvIds.includes(first.answer.srvId ?? ''))
  const cookie = first.setCookie
  for (const front of [other, board, other])
    assert.equal((await visit(front, cookie)).answer.srvId, first.answer.srvId)

  const until = new AbortController()
  using _load = { [Symbol.dispose]: () => until.abort() }
  const answers: Answer[] = []
  const load = Promise.all(
    [...boards, ...boards, ...boards, ...boards].map(each => visitUntil(until.signal, each, answers)),
  )
  assert.equal(await replicas[srvIds.indexOf(first.answer.srvId ?? '')]?.stop(), 0)
  const moved = await visit(other, cookie)
  assert.notEqual(moved.answer.srvId, first.answer.srvId)
  await eventually(() => answers.length > 100)
  until.abort()
  await load
  assert.deepEqual(
    answers.filter(({ status }) => status !== 200),
    [],
  )
  const front = fronts[1]
  assert.ok(front)
  await front.crash()
  await front.ready()
  assert.equal((await visit(other, moved.setCookie)).answer.srvId, moved.answer.srvId)
  // The scripts beside NGINX watch the new one.
  await docker(['exec', front.main, 'sh', '-c', killWorkers])
  await eventually(async () => (await front.logs()).includes('reloading with new shared memory'))
  assert.equal(await front.stop(), 0)
  const { consistent, counter } = await readApi(`${board}/api/audit`, audit)
  assert.deepEqual({ consistent, counter }, { consistent: true, counter: answers.length + 6 })
})

type ClusterOptions = {
  /** the name of an image here, by its name in the objects; the others are used as they are named */
  images: Record<string, string>
  /** the values of each Secret, by name and key */
  secrets: Record<string, Record<string, string>>
}

/** All pods of a Docker network. They are removed when it goes out of scope. */
async function startCluster(objects: KubernetesObject[], { images, secrets }: ClusterOptions) {
  const network = `pods-${randomBytes(4).toString('hex')}`
  const containers: string[] = []
  const folder = await temporaryFolder('pods-')
  await docker(['network', 'create', network])
  const imageOf = (name: string) => images[name] ?? name

  /** A new pod of a Deployment, StatefulSet or Job. Nothing runs in it yet. */
  async function createPod(kind: string, name: string) {
    const { template } = find(objects, kind, name).spec
    if (!template) throw new Error(`${kind} ${name} has no pods`)
    const { spec, metadata } = template
    const pod = `${network}-${name}-${containers.length}`
    const services = objects.filter(
      each => each.kind === 'Service' && selects(selectorOf(each), metadata.labels),
    )
    const aliases = services.flatMap(({ metadata: { name } }) => [
      name,
      `${name}.balance-board.svc.cluster.local`,
    ])
    const ports = spec.containers.flatMap(each => each.ports)
    const options = [
      ...aliases.flatMap(alias => ['--network-alias', alias]),
      ...ports.flatMap(({ containerPort }) => ['--publish', `127.0.0.1::${containerPort}`]),
    ]
    containers.push(pod)
    await docker([
      ...['run', '--detach', '--init', '--name', pod, '--network', network, ...options],
      ...['--entrypoint', 'sleep', imageOf('balance-board-web'), 'infinity'],
    ])
    const format = `{{(index .NetworkSettings.Networks "${network}").IPAddress}}`
    const ip = (await docker(['inspect', '--format', format, pod])).trim()

    /** Where this machine finds a port of the pod. */
    async function urlOf(portName: string): Promise<string> {
      const port = ports.find(each => each.name === portName)?.containerPort
      return `http://${(await docker(['port', pod, `${port}/tcp`])).trim()}`
    }

    function mountsOf({ volumeMounts }: Container): string[] {
      return volumeMounts.flatMap(({ name, mountPath, readOnly }) => {
        const volume = spec.volumes.find(each => each.name === name)
        const path = join(folder.path, pod, name)
        const files = volume?.secret
          ? secrets[volume.secret.secretName]
          : volume?.configMap && find(objects, 'ConfigMap', volume.configMap.name).data
        if (mkdirSync(path, { recursive: true }) && files) writeLinked(path, files)
        // The test's user may differ from the pod's, which would own its files with fsGroup.
        else if (!files) chmodSync(path, 0o777)
        return ['--volume', `${path}:${mountPath}${readOnly ? ':ro' : ''}`]
      })
    }

    function argumentsOf(container: Container): string[] {
      const { securityContext: of, resources, command, args } = container
      const [entrypoint, ...words] = command
      const context = { ...spec.securityContext, ...of }
      const variables = variablesOf(objects, container, {
        podIp: ip,
        secret: (name, key) => secrets[name]?.[key] ?? '',
      })
      return [
        ...[
          '--network',
          `container:${pod}`,
          ...(spec.shareProcessNamespace ? ['--pid', `container:${pod}`] : []),
        ],
        ...['--user', `${context.runAsUser}:${context.runAsGroup}`],
        ...(context.readOnlyRootFilesystem ? ['--read-only'] : []),
        ...['--cap-drop', 'ALL', '--security-opt', 'no-new-privileges'],
        // Docker means by `m` what Kubernetes means by `Mi`.
        ...['--memory', (resources.limits.memory ?? '').replace('i', '').toLowerCase()],
        ...Object.entries(variables).flatMap(([name, value]) => ['--env', `${name}=${value}`]),
        ...mountsOf(container),
        ...(entrypoint === undefined ? [] : ['--entrypoint', entrypoint]),
        ...[imageOf(container.image), ...words, ...args],
      ]
    }

    /** Runs the init containers and then starts the others. @throws DockerFailed if one of the first fails */
    async function start(): Promise<void> {
      for (const each of spec.initContainers) await docker(['run', '--rm', ...argumentsOf(each)])
      for (const each of spec.containers) {
        containers.push(`${pod}-${each.name}`)
        await docker(['run', '--detach', '--name', `${pod}-${each.name}`, ...argumentsOf(each)])
      }
    }

    const main = `${pod}-${name}`
    const inspect = (what: string) => docker(['inspect', '--format', `{{.State.${what}}}`, main])

    /** Waits until the startup probe, or else the readiness probe, succeeds, as the kubelet would ask it. */
    async function ready(): Promise<void> {
      const { startupProbe, readinessProbe } = spec.containers.find(each => each.name === name) ?? {}
      for (const probe of [startupProbe, readinessProbe]) {
        const command = probe?.exec?.command
        const url = probe?.httpGet && (await urlOf(probe.httpGet.port)) + probe.httpGet.path
        await waitUntil(`${main} is ready`, 120_000, async () => {
          if ((await inspect('Running')).trim() !== 'true') throw new Error(await logs())
          if (command) await docker(['exec', main, ...command])
          return url ? (await fetch(url)).ok : true
        })
      }
    }

    const logs = () => containerLog(main, 30)

    /** Kills its main container and starts it again, as the kubelet does: the pod and its volumes stay. */
    async function crash(): Promise<void> {
      await docker(['kill', main])
      await docker(['wait', main])
      await docker(['start', main])
    }

    /** Stops it as Kubernetes does. @returns the exit status */
    async function stop(): Promise<number> {
      await docker(['stop', '--time', String(spec.terminationGracePeriodSeconds ?? 30), main])
      const status = Number(await inspect('ExitCode'))
      // The pod's address ends with it.
      await docker(['rm', '--force', pod])
      return status
    }

    /** Runs a Job's container. @returns what it printed */
    async function run(): Promise<string> {
      const [container] = spec.containers
      if (!container) throw new Error(`${name} has no container`)
      return docker(['run', '--rm', ...argumentsOf(container)])
    }

    return { ip, main, start, ready, run, crash, stop, logs, urlOf }
  }

  return {
    createPod,
    async [Symbol.asyncDispose]() {
      await docker(['rm', '--force', '--volumes', ...containers.toReversed()])
      await docker(['network', 'rm', network])
      // Files of other users: a container of root can remove them.
      await docker([
        ...['run', '--rm', '--user', '0:0', '--network', 'none', '--volume', `${folder.path}:/pods`],
        ...['--entrypoint', 'sh', imageOf('balance-board-web'), '-c', 'rm -rf /pods/*'],
      ])
      await folder.remove()
    },
  }
}

/** As the kubelet writes a Secret or ConfigMap: each file is a link into a folder that is itself a link. */
function writeLinked(folder: string, files: Record<string, string>): void {
  mkdirSync(join(folder, '..2026'))
  symlinkSync('..2026', join(folder, '..data'))
  for (const [name, text] of Object.entries(files)) {
    writeFileSync(join(folder, '..2026', name), text, { mode: 0o444 })
    symlinkSync(`..data/${name}`, join(folder, name))
  }
}
