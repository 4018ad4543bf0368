import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { containerStatements } from '../../tools/lib/database-accounts.ts'
import { temporaryFolder } from '../../tools/lib/testing.ts'

const read = (file: string) => readFileSync(join(import.meta.dirname, '../..', file), 'utf8')

test('the accounts on Swarm are those of compose, with a secret for each password', () => {
  const secret = (name: string) => `{{secret "${name}"}}`
  const passwords = {
    owner: secret('owner-password'),
    replica: secret('replica-password'),
    root: secret('root-password'),
    health: secret('health-password'),
  }
  assert.equal(read('deploy/swarm/accounts.sql'), containerStatements(passwords))
})

/** Variables of a service in a compose file, with the defaults of those that come from settings. */
function environmentOf(service: string, file: string): Record<string, string> {
  const [, text = ''] = new RegExp(`^  ${service}:\\n((?:    .*\\n|\\n)*)`, 'm').exec(read(file)) ?? []
  const [, block = ''] = /^ {4}environment:\n((?: {6}.*\n)*)/m.exec(text) ?? []
  const values = [...block.matchAll(/^ {6}([A-Z_]+): (.*)$/gm)].map(([, name = '', value = '']) => {
    const bare = value.replace(/^'(.*)'$/, '$1')
    return [name, bare.replace(/\$\{\w+:-([^}]*)\}/, '$1')]
  })
  assert.ok(values.length > 0, `${service} of ${file} has no environment`)
  return Object.fromEntries(values)
}

test('NGINX’s image and the stack set the variables of compose to the same values', () => {
  const words = [...read('nginx/Dockerfile').matchAll(/^(?:ENV| {3}) ([A-Z_]+)=(?:'([^']*)'|(\S*))/gm)]
  const image = Object.fromEntries(words.map(([, name = '', quoted, bare = '']) => [name, quoted ?? bare]))
  const swarm = { ...image, ...environmentOf('nginx', 'deploy/swarm/stack.yml') }
  const { HTTPS_PORT, ACCESS_LOG_MB, ...compose } = environmentOf('nginx', 'docker-compose.yml')
  assert.ok(HTTPS_PORT && ACCESS_LOG_MB, 'compose alone publishes HTTPS and has a file of its access log')
  // Swarm takes the access log from standard output.
  assert.deepEqual(swarm, { ...compose, NGINX_ACCESS_LOG: '/dev/stdout' })
})

test('servers on Swarm have the settings of compose, and drain for longer than NGINX may know their addresses', () => {
  const swarm = environmentOf('web', 'deploy/swarm/stack.yml')
  const compose = environmentOf('web', 'docker-compose.yml')
  const monitoring = ['PROMETHEUS_URL', 'GRAFANA_URL', 'ALERTMANAGER_URL']
  assert.deepEqual(
    Object.keys(swarm).toSorted(),
    Object.keys(compose)
      .filter(name => !monitoring.includes(name))
      .toSorted(),
  )
  const same = Object.keys(swarm).filter(name => !/^DRAIN_SECONDS$|_FILE$/.test(name))
  for (const name of same) assert.equal(swarm[name], compose[name], name)
  const replicas = read('nginx/conf/replicas.conf.template')
  const known = ['valid=(\\d+)s', 'resolver_timeout (\\d+)s'].map(time =>
    Number(new RegExp(time).exec(replicas)?.[1]),
  )
  const [valid = Number.NaN, timeout = Number.NaN] = known
  assert.ok(Number(swarm.DRAIN_SECONDS) > valid + timeout, `${swarm.DRAIN_SECONDS} s, ${known}`)
})

test('a server counts as unhealthy at its start only shortly before its health check kills it', () => {
  const check = read('web/health-check.sh')
  const [limit = 0, start = 0] = [/^limit=(\d+)/m, /^start=(\d+)/m].map(each => Number(each.exec(check)?.[1]))
  const [seconds = '', retries] = ['start_period: (\\d+)s', 'retries: (\\d+)'].map(
    each => new RegExp(`health-check.sh\\]\\n(?: .*\\n)*? {6}${each}`).exec(read('docker-compose.yml'))?.[1],
  )
  assert.ok(Number(seconds) >= start)
  // A check every two seconds, which may take as long.
  assert.ok(Number(seconds) + 4 * Number(retries) < start + limit)
})

test('a server has all of its time to start, however long its container waited for the migrations before', async () => {
  await using folder = await temporaryFolder()
  const check = read('web/health-check.sh')
    .replaceAll('/proc/', `${folder.path}/proc/`)
    .replace('/tmp/health-check', join(folder.path, 'record'))
    .replace('kill -KILL', 'echo killed')
  for (const name of ['7', '8']) await mkdir(join(folder.path, 'proc', name), { recursive: true })
  await writeFile(join(folder.path, 'proc/7/cmdline'), 'sh\0-c\0node …\0')
  let now = 1000
  const runs = async (command: string, seconds: number) => {
    await writeFile(join(folder.path, 'proc/8/cmdline'), command)
    const printed = []
    for (const end = now + seconds; now < end; now += 5) {
      await writeFile(join(folder.path, 'proc/uptime'), `${now}.00 0.00\n`)
      printed.push(
        spawnSync('bash', ['-c', check], { encoding: 'utf8', env: { ...process.env, PORT: '1' } }).stdout,
      )
    }
    return printed.join('')
  }
  assert.equal(await runs('node\0prisma/migrate.mjs\0--wait\0', 230), '')
  assert.equal(await runs('node\0web/replica.mjs\0', 110), '')
  assert.equal(
    await runs('node\0web/replica.mjs\0', 10),
    'no answer for 25 s: killing the replica\nkilled 8\n',
  )
})

test('a port with an address and a name that no image can have are refused before anything is built', async () => {
  await using folder = await temporaryFolder()
  await writeFile(join(folder.path, 'docker'), '#!/bin/sh\necho "docker was called" >&2\nexit 1\n', {
    mode: 0o755,
  })
  const deploy = (stack: string, port: string) =>
    spawnSync('sh', [join(import.meta.dirname, 'deploy.sh'), stack], {
      encoding: 'utf8',
      env: { ...process.env, PATH: `${folder.path}:${process.env.PATH}`, HTTP_PORT: port },
    }).stderr
  for (const port of ['127.0.0.1:8080', '8080-8090', 'http', '0', '65536', '99999999999999999999'])
    assert.match(deploy('board', port), /^balance-board: HTTP_PORT is a port, and not: .*\n$/)
  for (const name of ['Board', 'my board', 'a.b', '-board', 'board_'])
    assert.match(deploy(name, ''), /^balance-board: the stack's name .*, and not: .*\n$/)
  for (const [name, port] of [
    ['board', ''],
    ['my-board_2', '8080'],
  ] as const)
    assert.match(deploy(name, port), /^docker was called\n/)
})

/** MySQL's `stop_grace_period`, in seconds. deploy.sh looks once a second. */
const longestStop = Number(/^ {4}stop_grace_period: (\d+)m$/m.exec(read('deploy/swarm/stack.yml'))?.[1]) * 60

type Deployed = { node: string; image: string }

/**
 * Runs deploy.sh with a `docker` that says of each service what Swarm does, and with short waits. The networks of a removed stack are
 * gone when they were looked for `looks` times; before, nothing can be deployed.
 * @param now where the database is and the image of the servers, if the stack is deployed
 * @returns `deployed`: the same afterwards; null if nothing was deployed
 */
async function deployWith(
  services: Record<string, string>,
  {
    looks = 1,
    now,
    environment = {},
  }: { looks?: number; now?: Deployed; environment?: Record<string, string> } = {},
) {
  await using folder = await temporaryFolder()
  const answers = Object.entries(services).map(([name, state]) => {
    const [replicas, update = ''] = state.split(' ')
    return `*'service inspect '*_${name}) echo '${update}' ;; *'name=board_${name} '*) echo 'board_${name} ${replicas}' ;;`
  })
  const [asked, deployed] = [join(folder.path, 'asked'), join(folder.path, 'deployed')]
  const isGone = `[ "$(cat ${asked} | wc -l)" -ge ${looks} ]`
  const cases = [
    `*'build '*) echo sha256:0123456789abcdef ;;`,
    `*'node inspect '*) echo node-1 ;;`,
    ...(now
      ? [
          `'service ls --format {{.Name}}') printf 'board_%s\\n' web mysql nginx ;;`,
          `*Constraints*_mysql) printf 'node.role == manager\\nnode.hostname == ${now.node}\\n' ;;`,
          `*Image*_web) echo '${now.image}' ;;`,
        ]
      : []),
    `*'stack ps'*) echo 'all tasks' ;;`,
    `*'network ls'*) ${isGone} || { echo >>${asked}; echo id; } ;;`,
    `*'stack deploy'*) ${isGone} && echo "$DATABASE_NODE $WEB_IMAGE" >${deployed} ;;`,
    `*'service ps'*) echo; echo '"failed on gateway_1 (0f): port is taken"'; echo older ;;`,
    ...answers,
  ]
  const programs = {
    docker: `#!/bin/sh\ncase $* in ${cases.join(' ')} esac\n`,
    sleep: '#!/bin/sh\n',
    // Of the many looks whether the stack serves a few are enough.
    seq: '#!/bin/sh\ni=0; while [ "$i" -lt "$(($1 == 400 ? 8 : $1))" ]; do i=$((i + 1)); echo "$i"; done\n',
  }
  await writeFile(asked, '')
  for (const [name, text] of Object.entries(programs))
    await writeFile(join(folder.path, name), text, { mode: 0o755 })
  const { REGISTRY, DATABASE_NODE, ...inherited } = process.env
  const { status, stdout, stderr } = spawnSync('sh', [join(import.meta.dirname, 'deploy.sh'), 'board'], {
    encoding: 'utf8',
    env: { ...inherited, PATH: `${folder.path}:${process.env.PATH}`, HTTP_PORT: '', ...environment },
  })
  const [node = '', image = ''] = (await readFile(deployed, 'utf8').catch(() => '')).trim().split(' ')
  return { status, stdout, stderr, deployed: image ? { node, image } : null }
}

const good = { mysql: '1/1', nginx: '1/1', web: '3/3 completed' }

test('a deployment waits until a removed stack, with its MySQL, has ended', async () => {
  const { status, stderr } = await deployWith(good, { looks: longestStop + 10 })
  assert.deepEqual([status, stderr], [0, ''])
})

test('the database stays on its node and the images in their registry, from whichever manager the next version is deployed', async () => {
  const image = 'board-web:0123456789ab'
  const before = (registry: string) => ({ node: 'node-2', image: `${registry}board-web:ba9876543210` })
  const registry = 'registry.example:5000/team/'
  for (const [now, environment, deployed] of [
    [undefined, {}, { node: 'node-1', image }],
    [undefined, { DATABASE_NODE: 'node-2', REGISTRY: registry }, { node: 'node-2', image: registry + image }],
    [before(''), {}, { node: 'node-2', image }],
    [before(registry), {}, { node: 'node-2', image: registry + image }],
    [before(registry), { DATABASE_NODE: '', REGISTRY: '' }, { node: 'node-2', image }],
    [before(registry), { DATABASE_NODE: 'node-2', REGISTRY: 'b/' }, { node: 'node-2', image: `b/${image}` }],
  ] as const)
    assert.deepEqual(
      (await deployWith(good, { ...(now && { now }), environment })).deployed,
      deployed,
      JSON.stringify({ now, environment }),
    )
  const moved = await deployWith(good, { now: before(''), environment: { DATABASE_NODE: 'node-3' } })
  assert.deepEqual([moved.status, moved.deployed], [1, null])
  assert.match(
    moved.stderr,
    /^balance-board: the database is on node-2: on node-3 it would start empty\. .*\n$/,
  )
})

test('a deployment succeeds only if the database, NGINX and all servers run its version', async () => {
  const { status, stdout, stderr } = await deployWith(good)
  assert.deepEqual([status, stderr], [0, ''])
  assert.match(
    stdout,
    /^board: 3\/3 servers run, update: completed\nboard: 3\/3 servers run board-web:0123456789ab\n$/,
  )
  for (const [broken, said] of [
    [{ web: '2/3' }, 'not all servers run board-web:0123456789ab (starting, 2/3 run)'],
    [
      { web: '3/3 rollback_completed' },
      'not all servers run board-web:0123456789ab (rollback_completed, 3/3 run)',
    ],
    [{ nginx: '0/1' }, '3/3 servers run board-web:0123456789ab, nginx: starting, none runs: port is taken'],
    [
      { nginx: '1/1 rollback_completed' },
      '3/3 servers run board-web:0123456789ab, nginx: rollback_completed, 1/1 run',
    ],
    [{ nginx: '0/0' }, '3/3 servers run board-web:0123456789ab, nginx: starting, none runs: port is taken'],
    [{ mysql: '0/1 paused' }, '3/3 servers run board-web:0123456789ab, mysql: paused, none runs'],
  ] as const) {
    const failed = await deployWith({ ...good, ...broken })
    assert.equal(failed.status, 1, said)
    assert.equal(failed.stderr, `board: ${said}. What Swarm says of its tasks:\nall tasks\n`)
  }
})
