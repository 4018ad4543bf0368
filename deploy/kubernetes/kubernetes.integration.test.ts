import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { parse } from 'yaml'
import { z } from 'zod'
import {
  accountStatements,
  mostConnections,
  ownerAccount,
  replicaAccount,
} from '../../tools/lib/database-accounts.ts'
import { temporaryFolder } from '../../tools/lib/testing.ts'
import { parseEnvironment } from '../../web/server/config.ts'
import { connectionsPerReplica } from '../../web/server/db/pools.ts'
import {
  type Container,
  find,
  type KubernetesObject,
  type Rendered,
  variablesOf as readVariables,
  render,
  renderText,
  type Selector,
  selectorOf,
  selects,
  typeProblems,
} from './testing/render.ts'

const root = join(import.meta.dirname, '../..')
const read = (path: string) => readFileSync(join(root, path), 'utf8')
const docs = read('docs/kubernetes.md')
const compose = z
  .looseObject({
    services: z.record(z.string(), z.looseObject({ image: z.string(), command: z.unknown().optional() })),
  })
  .parse(parse(read('docker-compose.yml'), { merge: true }))

const production = await render('production')
const demo = await render('demo')
const ingress = await render('ingress')
const monitored = await render('production', ['monitoring'])
const byHits = await render('production', ['hits-autoscaling'])
const whole = await render('demo', ['monitoring', 'hits-autoscaling'])
const renderings: [name: string, Rendered][] = [
  ['production', production],
  ['demo', demo],
  ['ingress', ingress],
  ['production with monitoring', monitored],
  ['production with hits-autoscaling', byHits],
  ['demo with both components', whole],
  ['ingress with both components', await render('ingress', ['monitoring', 'hits-autoscaling'])],
]

/** Runs the same check for each rendering. */
function testEach(behaviour: string, check: (objects: KubernetesObject[]) => void) {
  test(behaviour, async context => {
    for (const [name, { objects }] of renderings) await context.test(name, () => check(objects))
  })
}

const ofKind = (objects: KubernetesObject[], kind: string) => objects.filter(each => each.kind === kind)

/** Everything that has pods, with their template. */
const workloads = (objects: KubernetesObject[]) =>
  objects.flatMap(({ kind, metadata, spec }) =>
    spec.template ? [{ name: `${kind} ${metadata.name}`, template: spec.template }] : [],
  )

const containersOf = (objects: KubernetesObject[]) =>
  workloads(objects).flatMap(({ name, template: { spec } }) =>
    [...spec.initContainers, ...spec.containers].map(container => ({ name, spec, container })),
  )

function containerOf(objects: KubernetesObject[], kind: string, name: string): Container {
  const container = find(objects, kind, name).spec.template?.spec.containers.find(each => each.name === name)
  assert.ok(container)
  return container
}

test('all objects have the types of the Kubernetes API, and no field that it does not know', async () => {
  assert.deepEqual(await typeProblems(renderings.flatMap(([, { raw }]) => raw)), [])
})

test('a misspelt field, a wrong type and a missing field are found in every kind of object', async () => {
  const kinds = new Map(whole.raw.map((raw, index) => [whole.objects[index]?.kind, raw]))
  const broken = [...kinds.values()].map(raw => ({ ...z.looseObject({}).parse(raw), spce: {} }))
  const deployment = JSON.stringify(
    production.raw[production.objects.indexOf(find(production.objects, 'Deployment', 'web'))],
  )
  for (const [word, wrong] of [
    ['"containerPort":3000', '"containerPrt":3000'],
    ['"failureThreshold":5', '"failureThreshold":"5"'],
    ['"readOnlyRootFilesystem"', '"readonlyRootFilesystem"'],
    ['"containerPort":3000,', ''],
  ] as const) {
    assert.ok(deployment.includes(word), word)
    broken.push(JSON.parse(deployment.replace(word, wrong)))
  }
  const problems = await typeProblems(broken)
  const lines = new Set(problems.map(problem => /\((\d+),/.exec(problem)?.[1]))
  assert.equal(lines.size, broken.length, problems.join('\n'))
})

testEach('all objects are in one namespace, each once, and pods there must be restricted', objects => {
  const namespace = find(objects, 'Namespace', 'balance-board')
  assert.equal(namespace.metadata.labels['pod-security.kubernetes.io/enforce'], 'restricted')
  const names = objects.map(({ kind, metadata }) => `${kind} ${metadata.name}`)
  assert.equal(new Set(names).size, names.length)
  for (const { kind, metadata } of objects)
    if (kind !== 'Namespace') assert.equal(metadata.namespace, 'balance-board', `${kind} ${metadata.name}`)
})

testEach('every pod runs as a plain user, restricted, without the account of the API', objects => {
  for (const { name, template } of workloads(objects)) {
    const { automountServiceAccountToken, enableServiceLinks, securityContext } = template.spec
    assert.deepEqual([automountServiceAccountToken, enableServiceLinks], [false, false], name)
    assert.equal(securityContext.runAsNonRoot, true, name)
    assert.ok(Number(securityContext.runAsUser) > 0, name)
    assert.deepEqual(securityContext.seccompProfile, { type: 'RuntimeDefault' }, name)
    for (const key of ['hostNetwork', 'hostPID', 'hostIPC']) assert.equal(template.spec[key], undefined, name)
  }
  for (const { name, container } of containersOf(objects)) {
    const restricted = {
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    }
    assert.deepEqual(container.securityContext, restricted, `${name}: ${container.name}`)
    const { requests, limits } = container.resources
    assert.ok(requests.cpu && requests.memory && limits.memory, `${name}: ${container.name}`)
  }
})

testEach('every mounted volume exists, and only an emptyDir or a claim can be written to', objects => {
  const claims = objects.flatMap(({ spec }) =>
    z
      .array(z.object({ metadata: z.object({ name: z.string() }) }))
      .catch([])
      .parse(spec.volumeClaimTemplates)
      .map(({ metadata }) => metadata.name),
  )
  const configMaps = ofKind(objects, 'ConfigMap').map(({ metadata }) => metadata.name)
  for (const { name, spec, container } of containersOf(objects))
    for (const mount of container.volumeMounts) {
      const volume = spec.volumes.find(each => each.name === mount.name)
      assert.ok(volume || claims.includes(mount.name), `${name}: there is no volume ${mount.name}`)
      assert.ok(mount.readOnly || !volume || volume.emptyDir, `${name}: ${mount.name} can be written to`)
      if (volume?.configMap) assert.ok(configMaps.includes(volume.configMap.name), volume.configMap.name)
    }
  for (const { container } of containersOf(objects))
    for (const { configMapRef } of container.envFrom)
      assert.ok(configMaps.includes(configMapRef.name), configMapRef.name)
})

/** The Secrets that the docs say how to create, each time with its keys. */
const documentedSecrets = [...docs.matchAll(/create secret (?:generic|tls) (\S+)((?:.*\\\n)*.*)/g)].map(
  ([, name, options = '']) => ({
    name,
    keys: [...options.matchAll(/--from-(?:literal|file)=([\w.-]+)=|--(cert|key)=/g)].map(
      ([, key, file]) => key ?? { cert: 'tls.crt', key: 'tls.key' }[file ?? ''],
    ),
  }),
)

function assertDocumented(secret: string, key?: string) {
  const commands = documentedSecrets.filter(({ name }) => name === secret)
  assert.ok(commands.length > 0, `the docs create no Secret ${secret}`)
  for (const { keys } of commands)
    assert.ok(key === undefined || keys.includes(key), `the docs create ${secret} without ${key}`)
}

testEach('passwords come from Secrets that the docs say how to create, and none is in an object', objects => {
  assert.deepEqual(ofKind(objects, 'Secret'), [])
  for (const { name, spec, container } of containersOf(objects)) {
    for (const { name: variable, value, valueFrom } of container.env) {
      const { secretKeyRef } = valueFrom ?? {}
      if (secretKeyRef) assertDocumented(secretKeyRef.name, secretKeyRef.key)
      if (/PASSWORD|TOKEN|_URL$/.test(variable) && !variable.endsWith('_FILE'))
        assert.equal(value, undefined, `${name}: ${variable}`)
      if (!variable.endsWith('_FILE') || value === undefined) continue
      const mount = container.volumeMounts.find(({ mountPath }) => value.startsWith(`${mountPath}/`))
      const secret = spec.volumes.find(each => each.name === mount?.name)?.secret?.secretName ?? ''
      assertDocumented(secret, value.slice((mount?.mountPath.length ?? 0) + 1))
    }
    for (const { secret } of spec.volumes) if (secret) assertDocumented(secret.secretName)
  }
})

test('a replica cannot read the password that the migration has', () => {
  const secretsOf = (name: string, objects = demo.objects) =>
    JSON.stringify(workloads(objects).find(each => each.name === name)).match(/database-\w+/g) ?? []
  assert.deepEqual(new Set(secretsOf('Deployment web')), new Set(['database-replica']))
  assert.deepEqual(new Set(secretsOf('Job migration')), new Set(['database-owner']))
  assert.ok(!secretsOf('Deployment nginx').length)
})

testEach('services, disruption budgets, monitors and spreads select the pods that they are for', objects => {
  for (const kind of ['Service', 'PodDisruptionBudget', 'PodMonitor'])
    for (const each of ofKind(objects, kind)) {
      const selected = workloads(objects).filter(({ template }) =>
        selects(selectorOf(each), template.metadata.labels),
      )
      const expected = each.metadata.name === 'board' ? 'web' : each.metadata.name
      // With the overlay `ingress` there is no NGINX of ours.
      if (kind === 'PodMonitor' && expected === 'nginx' && !selected.length) continue
      assert.deepEqual(
        selected.map(({ name }) => name.split(' ')[1]),
        [expected],
        `${kind} ${each.metadata.name}`,
      )
    }
  for (const each of objects.filter(({ kind }) => ['Deployment', 'StatefulSet'].includes(kind))) {
    const { metadata, spec } = each
    const labels = spec.template?.metadata.labels ?? {}
    assert.ok(selects(selectorOf(each), labels), metadata.name)
    if (each.kind === 'StatefulSet') continue
    const spreads = spec.template?.spec.topologySpreadConstraints ?? []
    for (const place of ['kubernetes.io/hostname', 'topology.kubernetes.io/zone'])
      assert.ok(
        spreads.some(({ topologyKey }) => topologyKey === place),
        `${metadata.name}: ${place}`,
      )
    for (const { labelSelector } of spreads) assert.ok(selects(labelSelector, labels), metadata.name)
    find(objects, 'PodDisruptionBudget', metadata.name)
  }
})

testEach('every port that something names exists', objects => {
  const portsFor = (selector: Selector) =>
    workloads(objects)
      .filter(({ template }) => selects(selector, template.metadata.labels))
      .flatMap(({ template }) => template.spec.containers.flatMap(({ ports }) => ports))
  for (const each of ofKind(objects, 'Service'))
    for (const { targetPort } of each.spec.ports)
      assert.ok(
        portsFor(selectorOf(each)).some(({ name }) => name === targetPort),
        `Service ${each.metadata.name}: ${targetPort}`,
      )
  for (const each of ofKind(objects, 'PodMonitor')) {
    const endpoints = z.array(z.looseObject({ port: z.string() })).parse(each.spec.podMetricsEndpoints)
    const ports = portsFor(selectorOf(each))
    for (const { port } of endpoints)
      assert.ok(!ports.length || ports.some(({ name }) => name === port), `PodMonitor: ${port}`)
  }
  for (const { name, container } of containersOf(objects))
    for (const probe of [container.startupProbe, container.livenessProbe, container.readinessProbe])
      if (probe?.httpGet)
        assert.ok(
          container.ports.some(port => port.name === probe.httpGet?.port),
          `${name}: ${probe.httpGet.port}`,
        )
})

/** A pod or another machine. `ports` are those that the tests try. */
type Place = {
  name: string
  namespace: string
  labels: Record<string, string>
  ports: Record<string, number>
}

/** Which place may connect to which, as `from -> to:port`, if the policies of these directions are enforced. */
function connections(objects: KubernetesObject[], directions: ('Ingress' | 'Egress')[]): string[] {
  const inside: Place[] = workloads(objects).map(({ name, template }) => ({
    name: name.split(' ')[1] ?? '',
    namespace: 'balance-board',
    labels: template.metadata.labels,
    ports: Object.fromEntries(
      template.spec.containers.flatMap(({ ports }) => ports.map(each => [each.name, each.containerPort])),
    ),
  }))
  const place = (name: string, namespace: string, ports: Record<string, number>): Place => ({
    name,
    namespace,
    labels: { 'app.kubernetes.io/name': name },
    ports,
  })
  const outside = [
    place('anywhere', '', { mysql: 3306, https: 443 }),
    place('dns', 'kube-system', { dns: 53, https: 443 }),
    place('prometheus', 'monitoring', {}),
    place('another', 'monitoring', {}),
    place('controller', 'nginx-ingress', {}),
  ]
  const places = [...inside, place('stranger', 'balance-board', { web: 3000, mysql: 3306 }), ...outside]
  const policies = ofKind(objects, 'NetworkPolicy').map(({ spec }) => spec)

  const allows = (direction: 'Ingress' | 'Egress', at: Place, other: Place, target: Place, port: number) => {
    const own = policies.filter(
      ({ podSelector, policyTypes }) =>
        at.namespace === 'balance-board' &&
        podSelector &&
        selects(podSelector, at.labels) &&
        policyTypes.includes(direction),
    )
    const rules = own.flatMap(({ ingress, egress }) => (direction === 'Ingress' ? ingress : egress))
    return (
      own.length === 0 ||
      rules.some(
        ({ from, to, ports }) =>
          ports.some(each => each.port === port || target.ports[each.port] === port) &&
          ((from ?? to) === undefined || (from ?? to ?? []).some(peer => isPeer(peer, other))),
      )
    )
  }
  type Peer = NonNullable<KubernetesObject['spec']['egress'][number]['to']>[number]
  // A block of all addresses can be understood to cover pods too.
  const isPeer = ({ podSelector, namespaceSelector, ipBlock }: Peer, other: Place) =>
    ipBlock
      ? ipBlock.cidr === '0.0.0.0/0'
      : (namespaceSelector
          ? selects(namespaceSelector, { 'kubernetes.io/metadata.name': other.namespace })
          : other.namespace === 'balance-board') &&
        (!podSelector || selects(podSelector, other.labels))

  return places.flatMap(from =>
    places.flatMap(to =>
      Object.values(to.ports)
        .filter(() => from !== to && (inside.includes(from) || inside.includes(to)))
        .filter(port => !directions.includes('Egress') || allows('Egress', from, to, to, port))
        .filter(port => !directions.includes('Ingress') || allows('Ingress', to, from, to, port))
        .map(port => `${from.name} -> ${to.name}:${port}`),
    ),
  )
}

const everyone = ['anywhere', 'dns', 'prometheus', 'another', 'controller']
const dnsOf = (...names: string[]) => names.map(name => `${name} -> dns:53`)
const toNginx = everyone.flatMap(name => [`${name} -> nginx:8080`, `${name} -> nginx:8443`])

/** Asserts what may connect, and that each end alone already refuses the rest. */
function assertConnections({ objects }: Rendered, expected: string[]) {
  assert.deepEqual(connections(objects, ['Egress', 'Ingress']).sort(), expected.sort())
  const pods = workloads(objects).map(({ name }) => name.split(' ')[1] ?? '')
  // NGINX takes visitors from anywhere, so also from pods.
  const into = (list: string[]) =>
    list.filter(each => pods.some(pod => each.includes(`-> ${pod}:`)) && !/-> nginx:8(080|443)$/.test(each))
  assert.deepEqual(into(connections(objects, ['Ingress'])).sort(), into(expected).sort())
  // An address block has all of the cluster's pods too.
  const outOf = (list: string[]) =>
    list.filter(each => pods.some(pod => each.startsWith(`${pod} `)) && !each.endsWith('-> stranger:3306'))
  assert.deepEqual(outOf(connections(objects, ['Egress'])).sort(), outOf(expected).sort())
}

test('only NGINX reaches replicas, only replicas and the migration reach the database', () => {
  const common = [...dnsOf('web', 'migration', 'nginx'), ...toNginx, 'nginx -> web:3000']
  assertConnections(production, [...common, 'web -> anywhere:3306', 'migration -> anywhere:3306'])
  const database = [...dnsOf('database'), 'web -> database:3306', 'migration -> database:3306']
  assertConnections(demo, [...common, ...database])
  const metrics = ['web:3000', 'nginx:9113', 'nginx:9145'].map(target => `prometheus -> ${target}`)
  assertConnections(whole, [...common, ...database, ...metrics])
})

test('with the overlay ingress only the controller reaches replicas', () => {
  assertConnections(ingress, [
    ...dnsOf('web', 'migration'),
    'web -> anywhere:3306',
    'migration -> anywhere:3306',
    'controller -> web:3000',
  ])
})

const variablesOf = (objects: KubernetesObject[], container: Container) =>
  readVariables(objects, container, {
    podIp: '10.1.2.3',
    secret: () => 'mysql://board_replica@database:3306/balance_board',
  })

const exampleNames = [
  ...[...read('.env.example').matchAll(/^(?:# )?([A-Z_]+)=/gm)].map(([, name]) => name),
  // Of the exporter of NGINX's log, which is in the same image.
  'STATUS_OF',
  'CERTIFICATE_OF',
]

testEach(
  'what runs in the image of the replicas knows each of its variables; a replica has the address that NGINX uses',
  objects => {
    for (const { name, container } of containersOf(objects))
      if (container.image === 'balance-board-web')
        for (const variable of Object.keys(variablesOf(objects, container)))
          if (variable !== 'POD_IP') assert.ok(exampleNames.includes(variable), `${name}: ${variable}`)
    const values = variablesOf(objects, containerOf(objects, 'Deployment', 'web'))
    const { DATABASE_PASSWORD_FILE, ...others } = values
    assert.ok(DATABASE_PASSWORD_FILE)
    const environment = parseEnvironment(others)
    assert.equal(environment.serverAddress, '10.1.2.3:3000')
    assert.equal(containerOf(objects, 'Deployment', 'web').ports[0]?.containerPort, environment.port)
  },
)

/** Each variable that NGINX's templates, the scripts beside it or the official image's scripts use. */
const nginxNames = new Set([
  ...globSync(['nginx/conf/*', 'nginx/docker-entrypoint.d/*.{sh,envsh}', 'nginx/Dockerfile'], {
    cwd: root,
  }).flatMap(path => read(path).match(/\b[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+\b/g) ?? []),
])

test('NGINX knows each of its variables, and finds the replicas by their whole name', () => {
  for (const { objects } of [production, demo, whole]) {
    const values = variablesOf(objects, containerOf(objects, 'Deployment', 'nginx'))
    for (const name of Object.keys(values))
      if (name !== 'POD_NAMESPACE') assert.ok(nginxNames.has(name), `${name} is no variable of NGINX`)
    assert.equal(values.REPLICAS_HOST, 'web.balance-board.svc.cluster.local')
    assert.equal(
      values.STICKY_SECONDS,
      variablesOf(objects, containerOf(objects, 'Deployment', 'web')).STICKY_SECONDS,
    )
    const { ports } = containerOf(objects, 'Deployment', 'nginx')
    assert.deepEqual(
      ports.map(port => port.containerPort),
      [Number(values.NGINX_LISTEN), Number.parseInt(values.NGINX_LISTEN_TLS ?? '', 10)],
    )
  }
  const service = find(production.objects, 'Service', 'web')
  assert.equal(service.spec.clusterIP, 'None')
  assert.equal(service.spec.publishNotReadyAddresses, true)
})

testEach(
  'every image is one that this project builds, or that docker-compose.yml has in this version',
  objects => {
    const known = ['balance-board-web', 'balance-board-nginx']
    const ofCompose = Object.values(compose.services).map(({ image }) => image)
    for (const { container } of containersOf(objects)) {
      assert.ok([...known, ...ofCompose].includes(container.image), container.image)
      // Without a tag Kubernetes would look for it in a registry only.
      if (known.includes(container.image)) assert.equal(container.imagePullPolicy, 'IfNotPresent')
    }
  },
)

testEach(
  'replicas wait for the migration, whose log stays; every script that a container runs is in its image',
  objects => {
    const web = find(objects, 'Deployment', 'web').spec.template?.spec
    assert.deepEqual(
      web?.initContainers.map(({ command }) => command),
      [['node', 'prisma/migrate.mjs', '--wait']],
    )
    assert.match(read('prisma/migrate-command.ts'), /--wait/)
    assert.equal(find(objects, 'Job', 'migration').spec.ttlSecondsAfterFinished, undefined)
    const bundled = read('web/build.ts')
    for (const { container } of containersOf(objects))
      for (const script of container.command.filter(word => word.endsWith('.mjs')))
        assert.ok(bundled.includes(script.replace(/\.mjs$/, '')), script)
  },
)

const seconds = (object: KubernetesObject) => object.spec.template?.spec.terminationGracePeriodSeconds ?? 0

testEach('a replica that stops has time to answer all it has, and new ones are known before', objects => {
  const web = find(objects, 'Deployment', 'web')
  const drainSeconds = Number(variablesOf(objects, containerOf(objects, 'Deployment', 'web')).DRAIN_SECONDS)
  const lastAnswersMs = Number(/lastAnswersMs = (\d+)/.exec(read('web/server/replica/replica.ts'))?.[1])
  assert.ok(drainSeconds >= 15)
  const leaves = lastAnswersMs / 1000 + 10
  assert.ok(seconds(web) >= 30 && seconds(web) >= drainSeconds + leaves)
  const [, most, more] = /\(15; at most (\d+), .*\n?.* at least (\d+) s\s/.exec(docs) ?? []
  assert.deepEqual([Number(most), Number(more)], [seconds(web) - leaves, leaves])
  assert.deepEqual(z.looseObject({ rollingUpdate: z.unknown() }).parse(web.spec.strategy).rollingUpdate, {
    maxSurge: '100%',
    maxUnavailable: 0,
  })
  const resolverSeconds = Number(
    /resolver .* valid=(\d+)s/.exec(read('nginx/conf/replicas.conf.template'))?.[1],
  )
  // CoreDNS in many clusters and NodeLocal DNSCache keep an answer for 30 s. If old replicas ended before, NGINX could know no other.
  const known = resolverSeconds + 30
  assert.ok(Number(web.spec.minReadySeconds) >= known)
  assert.ok(drainSeconds >= resolverSeconds + 5)
  const [, learned, ready] =
    /learns it within (\d+) s[\s\S]* ready for (\d+) s, an old one stops/.exec(docs) ?? []
  assert.deepEqual([Number(learned), Number(ready)], [known, web.spec.minReadySeconds])
})

test('NGINX that stops waits for the load balancer first', () => {
  const nginx = find(production.objects, 'Deployment', 'nginx')
  const { lifecycle } = containerOf(production.objects, 'Deployment', 'nginx')
  const command = ['sleep', '15']
  assert.deepEqual(lifecycle, { preStop: { exec: { command } } })
  const shutdown = Number(/worker_shutdown_timeout (\d+)s/.exec(read('nginx/conf/nginx.conf.template'))?.[1])
  assert.ok(seconds(nginx) >= Number(command[1]) + shutdown + 10)
  assert.equal(nginx.spec.replicas, 2)
  assert.equal(nginx.spec.template?.spec.shareProcessNamespace, true)
})

testEach('a hung replica is killed after the same time as with Docker', objects => {
  const { startupProbe, livenessProbe, readinessProbe } = containerOf(objects, 'Deployment', 'web')
  const check = read('web/health-check.sh')
  const [limit, start] = [/^limit=(\d+)/m, /^start=(\d+)/m].map(each => Number(each.exec(check)?.[1]))
  assert.ok(startupProbe && livenessProbe && limit && start)
  assert.equal(livenessProbe.periodSeconds * livenessProbe.failureThreshold, limit)
  assert.equal(startupProbe.periodSeconds * startupProbe.failureThreshold, start + limit)
  const paths = [startupProbe, livenessProbe, readinessProbe].map(probe => probe?.httpGet?.path)
  assert.deepEqual(paths, ['/health/live', '/health/live', '/health/ready'])
  const routes = read('web/server/replica/routes.ts')
  for (const path of paths) assert.ok(routes.includes(`'${path}':`), path)
})

testEach('the database has connections for all replicas, also while old and new ones run', objects => {
  const { minReplicas, maxReplicas, scaleTargetRef } = z
    .looseObject({ minReplicas: z.number(), maxReplicas: z.number(), scaleTargetRef: z.unknown() })
    .parse(find(objects, 'HorizontalPodAutoscaler', 'web').spec)
  assert.deepEqual(scaleTargetRef, { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' })
  assert.equal(find(objects, 'Deployment', 'web').spec.replicas, undefined)
  assert.ok(minReplicas >= 2 && minReplicas < maxReplicas)
  const most = 2 * maxReplicas * connectionsPerReplica
  assert.ok(most <= mostConnections[replicaAccount])
  const [, documented] = /It needs (\d+) connections/.exec(docs) ?? []
  assert.ok(Number(documented) >= most + mostConnections[ownerAccount])
})

test('the demo’s database is that of docker-compose.yml', () => {
  const [, , ...options] = z.array(z.string()).parse(compose.services.mysql?.command)
  assert.deepEqual(containerOf(demo.objects, 'StatefulSet', 'database').args, options)
})

test('the demo’s accounts are those of both stacks, and root is locked', async () => {
  const database = find(demo.objects, 'StatefulSet', 'database')
  const [, , script = ''] = database.spec.template?.spec.initContainers[0]?.command ?? []
  await using folder = await temporaryFolder()
  const local = script.replaceAll('/run/', `${folder.path}/`)
  for (const name of ['owner', 'replica', 'secrets']) mkdirSync(join(folder.path, name))
  const start = (owner: string, replica: string) => {
    writeFileSync(join(folder.path, 'owner/password'), owner)
    writeFileSync(join(folder.path, 'replica/password'), replica)
    return spawnSync('sh', ['-ec', local], { encoding: 'utf8' })
  }
  for (const wrong of ["it's", '', 'a b', '$HOME', 'a\nb'])
    for (const [owner = '', replica = ''] of [
      [wrong, 'good'],
      ['good', wrong],
    ])
      assert.equal(start(owner, replica).status, 1, JSON.stringify(wrong))
  const { status, stderr } = start('0123abc', 'def456')
  assert.equal(status, 0, stderr)
  assert.equal(
    readFileSync(join(folder.path, 'secrets/accounts.sql'), 'utf8'),
    `${accountStatements({ owner: '0123abc', replica: 'def456' }, { host: '%' })}ALTER USER 'root'@'localhost' ACCOUNT LOCK;\n`,
  )
})

test('the ingress controller’s cookie lives as long as the board says', () => {
  const annotation = find(ingress.objects, 'Ingress', 'board').metadata.annotations[
    'nginx.org/sticky-cookie-services'
  ]
  const { STICKY_SECONDS } = variablesOf(ingress.objects, containerOf(ingress.objects, 'Deployment', 'web'))
  assert.equal(annotation, `serviceName=board srv_id expires=${STICKY_SECONDS}s path=/ httponly samesite=lax`)
})

test('the monitors set each job that the alert rules use', () => {
  const monitors = ofKind(monitored.objects, 'PodMonitor').map(({ spec }) => JSON.stringify(spec))
  const jobs = [...monitors.join().matchAll(/"replacement":"(\w+)"/g)].map(([, job]) => job)
  const used = [...read('monitoring/rules.yml').matchAll(/job=~?"([\w|]+)"/g)].flatMap(([, names]) =>
    names?.split('|'),
  )
  assert.deepEqual(new Set(jobs), new Set(used))
})

test('the autoscaler reads CPU, or the metric that the docs’ rule for prometheus-adapter makes', () => {
  const { metrics } = z
    .looseObject({
      metrics: z.array(z.looseObject({ pods: z.looseObject({ metric: z.object({ name: z.string() }) }) })),
    })
    .parse(find(byHits.objects, 'HorizontalPodAutoscaler', 'web').spec)
  const cpu = { name: 'cpu', target: { type: 'Utilization', averageUtilization: 70 } }
  assert.deepEqual(find(production.objects, 'HorizontalPodAutoscaler', 'web').spec.metrics, [
    { type: 'Resource', resource: cpu },
  ])
  const [block = ''] = docs.match(/(?: {4}rules:\n)(?: {4}.*\n)+/) ?? []
  const { rules } = z
    .object({
      rules: z.array(
        z.looseObject({
          seriesQuery: z.string(),
          name: z.object({ matches: z.string(), as: z.string() }),
        }),
      ),
    })
    .parse(parse(block.replace(/^ {4}/gm, '')))
  const [rule] = rules
  assert.ok(rule)
  const series = /^\w+/.exec(rule.seriesQuery)?.[0] ?? ''
  assert.ok(read('web/server/metrics/metrics.ts').includes(`'${series}'`), series)
  const name = series.replace(new RegExp(rule.name.matches), rule.name.as.replaceAll(/\$\{(\d)\}/g, '$$$1'))
  assert.deepEqual(
    metrics.map(({ pods }) => pods.metric.name),
    [name],
  )
})

test('the overlay in the docs renders, with its images and settings', async () => {
  const [block = ''] = docs.match(/(?: {4}# kustomization.yaml\n)(?: {4}.*\n)+/) ?? []
  const own = block.replace(/^ {4}/gm, '').replace('../balance-board/deploy/kubernetes/', '../')
  const { objects } = await renderText(own)
  assert.equal(containerOf(objects, 'Deployment', 'nginx').image, 'REGISTRY/balance-board-nginx:1')
  const web = containerOf(objects, 'Deployment', 'web')
  assert.equal(web.image, 'REGISTRY/balance-board-web:1')
  const { STICKY_SECONDS, DRAIN_SECONDS } = variablesOf(objects, web)
  assert.deepEqual([STICKY_SECONDS, DRAIN_SECONDS], ['600', '15'])
})

test('the docs’ patches fit the objects: a fixed number of replicas, and another name server', async () => {
  const patches = [...docs.matchAll(/^ {4}patches:\n(?: {4}.*\n)+/gm)].map(([block]) =>
    block.replace(/^ {4}/gm, ''),
  )
  assert.equal(patches.length, 2)
  const entries = patches.map(block => block.replace('patches:\n', '')).join('')
  const { objects, raw } = await renderText(`resources: [../overlays/production]\npatches:\n${entries}`)
  assert.deepEqual(await typeProblems(raw), [])
  const { minReplicas, maxReplicas } = find(objects, 'HorizontalPodAutoscaler', 'web').spec
  assert.deepEqual([minReplicas, maxReplicas], [5, 5])
  assert.deepEqual(
    find(objects, 'NetworkPolicy', 'dns').spec.egress[0]?.to?.map(({ ipBlock }) => ipBlock?.cidr),
    [undefined, '169.254.20.10/32', '10.96.0.10/32'],
  )
})

test('the docs’ command makes a PrometheusRule of the alert rules', async () => {
  const [command = ''] = docs.match(/\(printf '.*\n.*(?= \| kubectl apply)/) ?? []
  const { status, stdout } = spawnSync('sh', ['-c', command], { cwd: root, encoding: 'utf8' })
  assert.equal(status, 0)
  assert.deepEqual(await typeProblems([parse(stdout)]), [])
})

test('the docs name every overlay and component, and no other', () => {
  const folders = globSync('deploy/kubernetes/{overlays,components}/*', { cwd: root })
  const named = docs.match(/deploy\/kubernetes\/(?:overlays|components)\/[\w-]+/g) ?? []
  assert.deepEqual([...new Set(named)].sort(), folders.sort())
})
