// What a person sets, and the commands that docs/operations.md gives: with another copy of this folder, with .env, and after a roll.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { appendFile, chmod, copyFile, readFile, rm, writeFile } from 'node:fs/promises'
import { Agent } from 'node:http'
import { connect as connectHttp2 } from 'node:http2'
import { delimiter, join } from 'node:path'
import { after, before, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { connect as connectTls } from 'node:tls'
import mysql from 'mysql2/promise'
import { z } from 'zod'
import { loopbackAddress, makeVisitor } from '../../tools/faults/testbed/load.ts'
import { freePorts } from '../../tools/lib/ports.ts'
import { temporaryFolder } from '../../tools/lib/testing.ts'
import type { Answer } from '../../tools/lib/visitors.ts'
import { waitUntil } from '../../tools/lib/wait.ts'
import { asStarted, openDatabasePort } from './database.ts'
import { compose, docker, lines, root } from './docker.ts'
import { changedFiles } from './project.ts'
import {
  baseUrl,
  expectLogged,
  failuresOf,
  readAudit,
  reportLoad,
  roll,
  settle,
  visitWhile,
} from './testing/board.ts'

const project = process.env.COMPOSE_PROJECT_NAME ?? ''
const operations = await readFile(join(root, 'docs/operations.md'), 'utf8')
const example = await readFile(join(root, '.env.example'), 'utf8')

/** A fresh clone, with nothing installed. */
let clone: Awaited<ReturnType<typeof temporaryFolder>>
before(async () => {
  clone = await temporaryFolder()
  await runIn(root, ['git', 'clone', '--quiet', '.', join(clone.path, 'board')])
})
after(() => clone[Symbol.asyncDispose]())

/** Every variable of .env.example is unset: what is not given here is in .env, or the default. */
const unset = Object.fromEntries(
  [...example.matchAll(/^([A-Z_]+)=/gm)].map(([, name = '']) => [name, undefined]),
)

test('nothing that a person set in .env reaches the project under test', () => {
  const open = Object.keys(unset).filter(name => process.env[name] === undefined)
  assert.deepEqual(open, [], 'compose would read these from .env')
})

type Environment = Record<string, string | undefined>

/** Runs a command in a folder. `printed` is all that it printed. */
async function attemptIn(cwd: string, [program = '', ...words]: string[], environment: Environment = {}) {
  const { NODE_TEST_CONTEXT: _, ...inherited } = process.env
  const env = { ...inherited, ...environment }
  const command = spawn(program, words, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] })
  let printed = ''
  for (const stream of [command.stdout, command.stderr]) stream.on('data', text => (printed += text))
  const [status] = await once(command, 'close')
  return { status, printed }
}

async function runIn(cwd: string, command: string[], environment: Environment = {}): Promise<string> {
  const { status, printed } = await attemptIn(cwd, command, environment)
  assert.equal(status, 0, printed)
  return printed
}

const inClone = () => join(clone.path, 'board')

test('the image says what it is and, if a person wants that, of which revision; the replicas’ configuration stays the same', async () => {
  const environment = { IMAGE_REVISION: 'a1b2c3' }
  const hash = ['docker', 'compose', 'config', '--hash', 'web']
  assert.equal(await runIn(root, hash, environment), await runIn(root, hash))

  /** Without those that compose adds. */
  const labelsOf = async (image: string): Promise<Record<string, string>> => {
    const labels: Record<string, string> = JSON.parse(
      await docker(['image', 'inspect', '--format', '{{json .Config.Labels}}', image]),
    )
    return Object.fromEntries(
      Object.entries(labels).filter(([name]) => name.startsWith('org.opencontainers.')),
    )
  }
  const labels = await labelsOf(`${project}-web`)
  assert.equal(labels['org.opencontainers.image.title'], 'balance-board')
  assert.equal(labels['org.opencontainers.image.licenses'], 'MIT')
  assert.equal(labels['org.opencontainers.image.revision'], '')
  const build = ['build', '--quiet', '--file', 'web/Dockerfile', '--build-arg', 'IMAGE_REVISION=a1b2c3', '.']
  const image = (await docker(build)).trim()
  try {
    const marked = await labelsOf(image)
    assert.deepEqual(marked, { ...labels, 'org.opencontainers.image.revision': 'a1b2c3' })
  } finally {
    await docker(['image', 'rm', image])
  }
})

const config = z.looseObject({
  services: z.record(
    z.string(),
    z.looseObject({
      environment: z.record(z.string(), z.string().nullable()).default({}),
      ports: z.array(z.looseObject({ host_ip: z.string().optional() })).default([]),
    }),
  ),
  networks: z.record(z.string(), z.unknown()),
})

/** What compose makes of the clone's .env, and of no other setting. */
async function configWith(dotEnv: string) {
  const file = join(inClone(), '.env')
  await writeFile(file, dotEnv)
  try {
    const command = ['docker', 'compose', 'config', '--format', 'json']
    return config.parse(JSON.parse(await runIn(inClone(), command, unset)))
  } finally {
    await rm(file)
  }
}

test('from another copy of the folder compose finds the same services but NGINX, with all files that can be added', async () => {
  for (const file of ['', ':deploy/compose/https.yml', ':deploy/compose/proxy.yml']) {
    const environment = { COMPOSE_FILE: `docker-compose.yml${file}` }
    const board = 'secrets,mysql,migrate,web,access-log'
    const monitoring = 'prometheus,alertmanager,grafana,nginx-exporter,nginx-log-exporter'
    const hashes = [
      'docker',
      'compose',
      '--profile',
      'monitoring',
      'config',
      '--hash',
      `${board},${monitoring}`,
    ]
    assert.equal(await runIn(inClone(), hashes, environment), await runIn(root, hashes, environment))
  }
})

test('a copy of .env.example as .env changes nothing, and publishes over IPv4 alone', async () => {
  assert.deepEqual(await configWith(example), await configWith(''))
  const secure = example.replace('COMPOSE_FILE=docker-compose.yml', '$&:deploy/compose/https.yml')
  const { services } = await configWith(secure)
  assert.deepEqual(
    services.nginx?.ports.map(({ host_ip }) => host_ip),
    ['0.0.0.0', '0.0.0.0'],
  )
})

test('a password in single quotes, as docs/operations.md and .env.example write it, is what it says', async () => {
  for (const text of [operations, example]) {
    const [line = '', password] = /\bDATABASE_PASSWORD='([^']*[$][^']*#[^']*)'/.exec(text) ?? []
    assert.ok(password)
    const { services } = await configWith(line)
    // Compose prints a `$` as `$$`.
    assert.equal(services.secrets?.environment.DATABASE_PASSWORD?.replaceAll('$$', '$'), password)
  }
})

/** The container of every service that goes on, by name. */
async function containers(): Promise<Record<string, string | undefined>> {
  const lines = (await compose('ps', '--format', '{{.Service}} {{.Name}} {{.ID}}')).trim().split('\n')
  return Object.fromEntries(
    lines.map(line => line.split(' ')).map(([service, name, id]) => [`${service} ${name}`, id]),
  )
}

test('after a roll of another image plain `up -d` recreates nothing, and no page view fails', async t => {
  await settle(3)
  await using folder = await temporaryFolder()
  const file = join(folder.path, 'labelled.json')
  const labels = { 'board.test': 'another image' }
  await writeFile(file, JSON.stringify({ services: { web: { build: { labels } } } }))
  const version = { COMPOSE_FILE: `docker-compose.yml:${file}` }
  const old = await containers()
  // Before the load: writing an image delays commits.
  await docker(['compose', 'build', 'web'], { environment: version })
  const visits = await visitWhile(async () => {
    const { status, printed } = await roll(version)
    assert.equal(status, 0, printed)
    assert.match(printed, /done: 3 replicas of the newest version serve/)
    const rolled = await containers()
    await docker(['compose', 'up', '--detach'], { environment: version })
    assert.deepEqual(await containers(), rolled)
    const kept = Object.keys(rolled).filter(name => old[name] === rolled[name])
    assert.deepEqual(kept.map(name => name.split(' ')[0]).toSorted(), ['mysql', 'nginx'])
  })
  reportLoad(t, visits.all)
  assert.deepEqual(failuresOf(visits.all), [])
})

const reload = /^ +(docker compose exec nginx nginx .*-s reload)$/m.exec(operations)?.[1] ?? ''

/** Process ids of NGINX's workers, old and new. */
async function workers(): Promise<string[]> {
  const list = "grep -la '^nginx: worker process' /proc/[0-9]*/cmdline | cut -d/ -f3"
  return lines(await compose('exec', '-T', 'nginx', 'sh', '-c', list))
}

test('NGINX reloaded six times: clients that repeat a GET once, as browsers do, are all answered and counted once', async t => {
  await settle(3)
  const { counter } = await readAudit()
  const agent = new Agent({ keepAlive: true })
  const done = new AbortController()
  const answers: Answer[] = []
  const last: Answer[] = []
  const visitors = Array.from({ length: 24 }, async (_, n) => {
    const visitor = makeVisitor(`${baseUrl}/`, agent, loopbackAddress(9, n + 1), n % 2 === 0)
    while (!done.signal.aborted && answers.length < 20_000) {
      // So its connection rests when NGINX reloads, more often than not.
      await pause(50)
      const tries = await visitor.visit('application/json')
      answers.push(...tries)
      last.push(...tries.slice(-1))
    }
  })
  try {
    for (let time = 0; time < 6; time++) {
      const former = await workers()
      await runIn(root, ['sh', '-c', reload])
      await waitUntil('there are new workers', 15_000, async () => {
        return (await workers()).some(pid => !former.includes(pid))
      })
    }
  } finally {
    done.abort()
    await Promise.all(visitors)
    agent.destroy()
  }
  reportLoad(t, last)
  t.diagnostic(`${answers.length - last.length} page views were sent once more`)
  assert.deepEqual(failuresOf(last), [])
  await expectLogged(last, counter)
  assert.equal((await readAudit()).counter, counter + last.length)
})

test('`up -d nginx` applies another STICKY_SECONDS', async () => {
  await settle(3)
  const maxAge = async () => (await fetch(baseUrl)).headers.get('set-cookie')
  const start = ['compose', 'up', '--detach', '--wait', 'nginx']
  await docker(start, { environment: { STICKY_SECONDS: '61' } })
  try {
    assert.match((await maxAge()) ?? '', /srv_id=.*Max-Age=61\b/i)
  } finally {
    await docker(start)
  }
  assert.match((await maxAge()) ?? '', /srv_id=.*Max-Age=300\b/i)
})

test('`up -d` with another DATABASE_PASSWORD fails, `logs secrets` says why and what to do, and set back the board counts on', async () => {
  await settle(3)
  const { counter } = await readAudit()
  // Without --wait: NGINX has become unhealthy meanwhile.
  const up = ['compose', 'up', '--detach']
  await assert.rejects(docker(up, { environment: { DATABASE_PASSWORD: 'another' } }), {
    name: 'DockerFailed',
  })
  const said = await compose('logs', 'secrets')
  await docker(up)
  assert.match(said, /DATABASE_PASSWORD is not the password that the database was made with/)
  assert.ok(said.includes(`docker compose down && docker volume rm ${project}_secrets`), said)
  await settle(3)
  assert.equal((await readAudit()).counter, counter)
})

test('`up -d` applies no change of a mounted file: the roll’s list has it, and the command of docs/operations.md applies it', async () => {
  await settle(3)
  const [, apply = ''] = /^ +(docker compose up -d .*--force-recreate .*)$/m.exec(operations) ?? []
  const environment = { COMPOSE_FILE: undefined }
  const up = ['docker', 'compose', 'up', '--detach', '--wait', '--scale', 'web=3']
  const idsOf = async () => (await compose('ps', '--quiet', 'nginx', 'mysql', 'web')).split('\n').toSorted()
  try {
    await runIn(inClone(), ['sh', '-c', apply], environment)
    assert.deepEqual([...(await changedFiles())], [])
    const before = await idsOf()
    for (const file of ['nginx/conf/lab.conf.template', 'deploy/compose/start-mysql.sh'])
      await appendFile(join(inClone(), file), '# another release\n')
    await runIn(inClone(), up, environment)
    assert.deepEqual(await idsOf(), before)
    const changed = await changedFiles()
    assert.deepEqual([...changed.keys()].toSorted(), ['mysql', 'nginx'])
    assert.match(changed.get('nginx')?.join() ?? '', /^[^,]*nginx\/conf\/lab\.conf\.template$/)
    assert.match(changed.get('mysql')?.join() ?? '', /^[^,]*deploy\/compose\/start-mysql\.sh$/)
    await runIn(inClone(), ['sh', '-c', apply], environment)
    assert.deepEqual([...(await changedFiles())], [])
    assert.match(
      await compose('exec', '-T', 'nginx', 'tail', '-n', '1', '/run/nginx/lab.conf'),
      /another release/,
    )
    const applied = await idsOf()
    await runIn(inClone(), up, environment)
    assert.deepEqual(await idsOf(), applied)
  } finally {
    // The clone's files go at the end.
    await compose('up', '--detach', '--wait', '--force-recreate', 'nginx', 'mysql')
  }
})

const pageView = z.looseObject({ client_ip: z.string() })

async function networks(): Promise<string[]> {
  const format = ['--format', '{{.ID}} {{.Name}}', '--no-trunc']
  const filter = `label=com.docker.compose.project=${project}`
  return (await docker(['network', 'ls', ...format, '--filter', filter]))
    .split('\n')
    .filter(Boolean)
    .toSorted()
}

test('with deploy/compose/proxy.yml a proxy on this machine is believed after every start, Studio leaves the network as it is, and `down` leaves none', async () => {
  await settle(3)
  // Studio has the settings too, as it has them of .env. It does not hear of the files. Docker takes none of 10.0.0.0/8 by itself.
  const network = `10.238.${process.pid % 256}`
  const outside = { OUTSIDE_SUBNET: `${network}.0/24`, OUTSIDE_GATEWAY: `${network}.1` }
  Object.assign(process.env, outside)
  const proxied = { COMPOSE_FILE: 'docker-compose.yml:deploy/compose/proxy.yml' }
  const withProxy = (...words: string[]) => docker(['compose', ...words], { environment: proxied })
  await compose('down')
  try {
    for (let time = 0; time < 2; time++) {
      await withProxy('up', '--detach', '--wait')
      const headers = {
        Accept: 'application/json',
        'X-Forwarded-For': '203.0.113.7',
        'X-Forwarded-Proto': 'https',
      }
      const answer = await fetch(baseUrl, { headers })
      assert.equal(pageView.parse(await answer.json()).client_ip, '203.0.113.7')
      assert.match(answer.headers.get('set-cookie') ?? '', /srv_id=.* secure/i)

      const before = await networks()
      const port = await openDatabasePort()
      assert.ok(port)
      const connection = await mysql.createConnection(port.url)
      await connection.end()
      assert.deepEqual(await networks(), before)
      const nginx = (await compose('ps', '--quiet', 'nginx')).trim()
      const own = config.parse(JSON.parse(await withProxy('config', '--format', 'json')))
      const withPort = [...(await asStarted(nginx)), 'config', '--format', 'json']
      assert.deepEqual(config.parse(JSON.parse(await docker(withPort))).networks, own.networks)

      await withProxy('down', '--remove-orphans')
      assert.deepEqual(await networks(), [])
    }
    await assert.rejects(withProxy('run', '--rm', '-T', '--env', 'HTTP_PORT=8080', 'nginx'), {
      message: /HTTP_PORT=8080 publishes the board beyond this machine/,
    })
  } finally {
    await withProxy('down', '--remove-orphans')
    for (const name of Object.keys(outside)) process.env[name] = ''
    await compose('up', '--detach', '--wait')
  }
})

test('where the port of Studio is in use, it says so and leaves no container', async () => {
  await settle(3)
  const environment = { DATABASE_PORT: new URL(baseUrl).port, DATA_DIR: clone.path, DATABASE_URL: undefined }
  const studio = [process.execPath, 'tools/launcher/studio.ts', '--browser', 'none']
  const { status, printed } = await attemptIn(root, studio, environment)
  assert.equal(status, 1)
  assert.match(printed, /^Balance Board: no board is running on .* cannot be opened: /m)
  assert.match(printed, /address already in use|port is already allocated/)
  assert.doesNotMatch(printed, /no stack runs/)
  const filter = ['--filter', `label=com.docker.compose.project=${project}`, '--filter', 'name=database-port']
  assert.equal(await docker(['ps', '--all', '--quiet', ...filter]), '')
})

/** The certificate that is served now. */
function fingerprintAt(port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false }, () => {
      resolve(socket.getPeerCertificate().fingerprint256)
      socket.destroy()
    })
    socket.on('error', reject)
  })
}

function statusOverHttp2(port: number): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const session = connectHttp2(`https://127.0.0.1:${port}`, { rejectUnauthorized: false })
    session.on('error', reject)
    session.request({ ':path': '/' }).on('response', headers => {
      resolve(headers[':status'])
      session.destroy()
    })
  })
}

test('HTTPS as docs/operations.md sets it up: deploy/compose/https.yml in .env, HTTP/2, and a renewed certificate by its command', async () => {
  await settle(3)
  const certificates = join(inClone(), 'nginx/certificates')
  const use = async (from: string, to: string) => {
    await copyFile(join(root, 'nginx/testing/certificate', from), join(certificates, to))
    await chmod(join(certificates, to), 0o644)
  }
  await use('test-only.crt', 'tls.crt')
  await use('test-only.key', 'tls.key')
  const setting = /In `\.env`, set `(COMPOSE_FILE=\S*https\.yml)`/.exec(operations)?.[1] ?? ''
  await writeFile(join(inClone(), '.env'), `${setting}\n`)
  const { value: port } = await freePorts(clone.path).next()
  assert.ok(port)
  const environment = { COMPOSE_FILE: undefined, HTTPS_PORT: `127.0.0.1:${port}` }
  try {
    await runIn(inClone(), ['docker', 'compose', 'up', '--detach', '--wait', 'nginx'], environment)
    assert.equal(await statusOverHttp2(port), 200)
    const before = await fingerprintAt(port)
    await use('renewed.crt', 'tls.crt')
    await runIn(inClone(), ['sh', '-c', reload], environment)
    await waitUntil(
      'the renewed certificate is served',
      30_000,
      async () => (await fingerprintAt(port)) !== before,
    )
  } finally {
    await rm(join(inClone(), '.env'))
    await compose('up', '--detach', '--wait', 'nginx')
  }
})

test('in a fresh clone, with the Node of this machine, each command works or says in one sentence what to do', async t => {
  await settle(3)
  const path = (process.env.PATH ?? '').split(delimiter).filter(folder => !folder.includes('node_modules'))
  const fresh = { PATH: path.join(delimiter) }
  t.diagnostic((await runIn(clone.path, ['node', '--version'], fresh)).trim())
  const noStack = { ...fresh, COMPOSE_PROJECT_NAME: `${project}-none` }
  for (const [words, environment, expected, said] of [
    ['audit', fresh, 0, /^counter \d+ = .*\nconsistent: /m],
    ['drain -- nobody', fresh, 1, /^Balance Board: there is no server nobody, only web-.*$/m],
    [
      'roll',
      noStack,
      1,
      /^roll: no replica of the project \S+ runs\. Start the stack first: docker compose up --build -d --wait\./m,
    ],
    [
      'audit',
      noStack,
      1,
      /^Balance Board: no board is running on .*, and none with Docker: no replica runs$/m,
    ],
    ['drain -- web-1', noStack, 1, /^Balance Board: no board is running on .*, and none with Docker: .*$/m],
    ['studio', noStack, 1, /^no stack runs here: start one with `npm start`, or set DATABASE_URL$/m],
  ] as const) {
    const { status, printed } = await attemptIn(inClone(), ['npm', 'run', ...words.split(' ')], environment)
    assert.equal(status, expected, printed)
    assert.match(printed, said)
    assert.doesNotMatch(printed, /^ +at |ERR_/m)
  }
})
