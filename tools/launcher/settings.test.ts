import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { listenAddress } from '../../nginx/tls-and-proxies.ts'
import { parseEnvironment } from '../../web/server/config.ts'
import {
  dockerSettings,
  loadMonitoringSettings,
  parseDataDir,
  parseSettings,
  reportUnused,
} from './settings.ts'

const root = join(import.meta.dirname, '..', '..')

test('every setting has a default', () => {
  assert.deepEqual(parseSettings({}), {
    host: '127.0.0.1',
    port: 8080,
    replicas: 3,
    dataDir: '.data',
    stickySeconds: 300,
    showClientIps: 'short',
    drainSeconds: 1,
    logFormat: 'text',
    nginxWorkers: 2,
    logLimits: { days: 30, rows: 10_000_000 },
    trustedProxies: [],
    monitoringUrls: { PROMETHEUS_URL: '', GRAFANA_URL: '', ALERTMANAGER_URL: '' },
  })
})

test('a set variable is used; an empty one counts as not set', () => {
  const settings = parseSettings({
    HTTP_PORT: '9000',
    REPLICAS: '5',
    DATA_DIR: '/srv/board',
    STICKY_SECONDS: '',
  })
  assert.equal(settings.port, 9000)
  assert.equal(settings.replicas, 5)
  assert.equal(settings.dataDir, '/srv/board')
  assert.equal(settings.stickySeconds, 300)
})

test('a port may have an address before it, as for compose', () => {
  for (const [HTTP_PORT, host, port] of [
    ['127.0.0.1:8080', '127.0.0.1', 8080],
    ['0.0.0.0:80', '0.0.0.0', 80],
    ['[::1]:9000', '::1', 9000],
    ['localhost:9000', 'localhost', 9000],
  ] as const) {
    const settings = parseSettings({ HTTP_PORT })
    assert.deepEqual([settings.host, settings.port], [host, port])
  }
  assert.equal(parseSettings({ HTTP_PORT: '127.0.0.1:80', HTTP_HOST: '127.0.0.1' }).host, '127.0.0.1')
  assert.throws(
    () => parseSettings({ HTTP_PORT: '127.0.0.1:80', HTTP_HOST: '::' }),
    /HTTP_HOST must be the address in HTTP_PORT, or empty/,
  )
  for (const HTTP_PORT of [
    '127.0.0.1:0',
    '127.0.0.1:',
    ':8080',
    '::1:8080',
    '127.0.0.1:8080:80',
    '70000',
    '[::g]:80',
    '256.0.0.1:80',
  ])
    assert.throws(() => parseSettings({ HTTP_PORT }), /HTTP_PORT must be/, HTTP_PORT)
})

test('all spellings of an address mean the same, and :: means IPv4 too', () => {
  for (const [host, ...forms] of [
    ['::', '::0', '0:0:0:0:0:0:0:0', '[::]', '[0::0]', '0000::'],
    ['::1', '[::1]', '0:0:0:0:0:0:0:1', '::0001'],
    ['0.0.0.0', '0', '0.0', '::ffff:0.0.0.0', '::FFFF:0:0'],
    ['127.0.0.1', '127.1', '::ffff:127.0.0.1'],
    ['localhost', 'LocalHost'],
  ] as const)
    for (const form of [host, ...forms]) {
      assert.equal(parseSettings({ HTTP_HOST: form }).host, host, form)
      assert.equal(listenAddress(parseSettings({ HTTP_HOST: form }).host, 80), listenAddress(host, 80))
      if (form.includes(':') && !form.startsWith('[')) continue
      assert.equal(parseSettings({ HTTP_PORT: `${form}:80`, HTTP_HOST: form }).host, host, form)
    }
  assert.equal(listenAddress('::', 80), '[::]:80 ipv6only=off')
  assert.equal(listenAddress('::1', 80), '[::1]:80')
  for (const HTTP_HOST of ['[::', '::]', 'a b', '1:2', '256.0.0.1', '[x]', '127.0.0.1:80'])
    assert.throws(
      () => parseSettings({ HTTP_HOST }),
      /HTTP_HOST must be an address of this machine/,
      HTTP_HOST,
    )
})

test('a folder with ~, $NAME or a backslash is refused', () => {
  for (const DATA_DIR of [
    '~',
    '~/board',
    '~me/board',
    '$HOME/board',
    '$HOME',
    `\${HOME}/board`,
    '/srv/$USER',
    `/srv/\${USER}x`,
  ])
    for (const parse of [parseSettings, parseDataDir])
      assert.throws(() => parse({ DATA_DIR }), /DATA_DIR must be a path without ~ or \$NAME/, DATA_DIR)
  assert.throws(() => parseDataDir({ DATA_DIR: 'a\\b' }), /DATA_DIR must be a path without a backslash/)
  for (const DATA_DIR of ['./~board', '/srv/a ~', "/srv/it's 5 $", '/srv/a$b', '/srv/a $HOME b'])
    assert.equal(parseDataDir({ DATA_DIR }), DATA_DIR)
})

test('the launcher and a replica accept the same DRAIN_SECONDS', () => {
  for (const [DRAIN_SECONDS, seconds] of [
    ['0.5', 0.5],
    ['0', 0],
    ['60', 60],
    ['.25', 0.25],
  ] as const) {
    assert.equal(parseSettings({ DRAIN_SECONDS }).drainSeconds, seconds)
    const replica = { DRAIN_SECONDS, DATABASE_URL: 'mysql://a:b@127.0.0.1/c' }
    assert.equal(parseEnvironment(replica).drainSeconds, seconds)
  }
  for (const DRAIN_SECONDS of ['-1', '60.5', '1s', '.'])
    assert.throws(() => parseSettings({ DRAIN_SECONDS }), /DRAIN_SECONDS must be a number from 0 to 60/)
})

test('the launcher and a replica accept the same values of every setting of a replica', () => {
  const accepts = (parse: () => unknown) => {
    try {
      parse()
      return true
    } catch {
      return false
    }
  }
  const numbers = [
    '-1',
    '0',
    '1',
    '60',
    '61',
    '86400',
    '86401',
    '36500',
    '36501',
    '1000000000000',
    '1000000000001',
  ]
  for (const name of [
    'STICKY_SECONDS',
    'LOG_RETENTION_DAYS',
    'LOG_MAX_ROWS',
    'DRAIN_SECONDS',
    'SHOW_CLIENT_IPS',
    'LOG_FORMAT',
  ])
    for (const value of [...numbers, '', 'x', 'short', 'full', 'text', 'json'])
      assert.equal(
        accepts(() => parseSettings({ [name]: value })),
        accepts(() => parseEnvironment({ [name]: value, DATABASE_URL: 'mysql://a:b@127.0.0.1/c' })),
        `${name}=${value}`,
      )
})

test('a command about a running stack reads only DATA_DIR', () => {
  assert.equal(parseDataDir({ DATA_DIR: '/srv/board', HTTP_PORT: 'x', REPLICAS: '-1' }), '/srv/board')
  assert.equal(parseDataDir({ DATA_DIR: '' }), '.data')
})

test('proxies are a list; an invalid one is reported', () => {
  const settings = parseSettings({ TRUSTED_PROXIES: '10.0.0.7, 10.1.0.0/24 fd12:3456:789a::/48' })
  assert.deepEqual(settings.trustedProxies, ['10.0.0.7', '10.1.0.0/24', 'fd12:3456:789a::/48'])
  assert.throws(
    () => parseSettings({ TRUSTED_PROXIES: 'proxy.example' }),
    /TRUSTED_PROXIES must be addresses/,
  )
})

test('all invalid settings are in one message', () => {
  const wrong = { HTTP_PORT: '80a', REPLICAS: '0', SHOW_CLIENT_IPS: 'all', HTTP_HOST: 'a b' }
  assert.throws(() => parseSettings(wrong), {
    name: 'UserError',
    message: [
      'invalid settings:',
      '    HTTP_HOST must be an address of this machine, not "a b"',
      '    HTTP_PORT must be a whole number from 1 to 65535, not "80a"',
      '    REPLICAS must be a whole number from 1 to 50, not "0"',
      '    SHOW_CLIENT_IPS must be short or full, not "all"',
    ].join('\n'),
  })
})

/** The variables of .env.example, by heading. */
function exampleSections() {
  const [, ...sections] = readFileSync(join(root, '.env.example'), 'utf8').split(/^# --- /m)
  const variables = sections.map(section =>
    Object.fromEntries([...section.matchAll(/^([A-Z_]+)=(.*)$/gm)].map(([, name, value]) => [name, value])),
  )
  const [local = {}, both = {}, docker = {}] = variables
  return { local, both, docker }
}

test('.env.example has the defaults, under the heading of the stacks that use them', () => {
  const { local, both, docker } = exampleSections()
  assert.deepEqual(parseSettings({ ...local, ...both }), parseSettings({}))
  assert.deepEqual(loadMonitoringSettings({ ...local, ...both, ...docker }), loadMonitoringSettings({}))
  assert.deepEqual(dockerSettings({ ...local, ...both }), [])
  const set = Object.fromEntries(Object.keys(docker).map(name => [name, 'x']))
  assert.deepEqual(dockerSettings(set).sort(), Object.keys(docker).sort())
  const files = [
    'docker-compose.yml',
    'deploy/compose/https.yml',
    'deploy/compose/proxy.yml',
    'deploy/compose/studio.yml',
  ]
  const compose = files.map(file => readFileSync(join(root, file), 'utf8')).join('\n')
  // Compose reads these itself: which files, what is between them on Windows too, and which services of them.
  const { COMPOSE_FILE, COMPOSE_PATH_SEPARATOR, COMPOSE_PROFILES, ...inFiles } = docker
  assert.deepEqual([COMPOSE_FILE, COMPOSE_PATH_SEPARATOR, COMPOSE_PROFILES], ['docker-compose.yml', ':', ''])
  for (const name of [...Object.keys(both), ...Object.keys(inFiles), 'HTTP_PORT', 'REPLICAS'])
    assert.ok(compose.includes(`\${${name}:-`), `${name} does not reach the stack with Docker`)

  const values: Record<string, string | undefined> = { ...local, ...both, ...inFiles }
  // Empty in .env.example: without Docker they have other defaults, or mean that another port may be taken.
  Object.assign(values, { HTTP_PORT: '0.0.0.0:80', PROMETHEUS_PORT: '9090', ALERTMANAGER_PORT: '9093' })
  for (const [use, name = '', value] of compose.matchAll(/\$\{([A-Z_]+):-([^${}]*)\}/g))
    assert.equal(value, values[name], `${use} differs from .env.example`)
})

test('a replica and compose give each setting of both stacks the default of .env.example', () => {
  const { both } = exampleSections()
  const required = { DATABASE_URL: 'mysql://a:b@127.0.0.1/c' }
  assert.deepEqual(parseEnvironment({ ...both, ...required }), parseEnvironment(required))
  const services = readFileSync(join(root, 'docker-compose.yml'), 'utf8').split(/^ {2}(?=[a-z-]+:$)/m)
  // The token of control reaches the replicas in a file that `secrets` writes.
  const webOrNginx = services.filter(service => /^(web|nginx|secrets):/.test(service)).join('')
  for (const [name, value] of Object.entries(both))
    assert.ok(
      webOrNginx.includes(`\n      ${name}: \${${name}:-${value}}\n`),
      `${name} does not reach the replicas or NGINX, or has another default there`,
    )
})

test('variables of the stack with Docker are reported, but not empty ones', () => {
  const set = { HTTPS_PORT: '8443', DATABASE_PASSWORD: 'secret', PUBLIC_HOST: '', HTTP_PORT: '8080' }
  assert.deepEqual(dockerSettings(set), ['HTTPS_PORT', 'DATABASE_PASSWORD'])
})

test('the settings of npm run monitoring are no unused variables', () => {
  const file = {
    PROMETHEUS_PORT: '9090',
    ALERTMANAGER_PORT: '9093',
    RUNBOOK_URL: 'https://wiki.example/board',
  }
  assert.deepEqual(reportUnused(file, file), [])
})

test('variables without effect are reported: those of Docker, of a replica, and unknown ones', () => {
  const file = {
    COMPOSE_FILE: 'a.yml',
    COMPOSE_PROFILES: 'a',
    HTTPS_PORT: '443',
    HTTP_PROT: '80',
    REPLICA: '5',
    FOO: '',
    PORT: '1',
  }
  const environment = {
    ...file,
    SERVER_NAME: 'x',
    STICKY_SECOND: '3',
    HTTP_PORT: '8080',
    PATH: '/bin',
    SERVER_NAMES: '',
  }
  assert.deepEqual(reportUnused(environment, file), [
    'not used without Docker: COMPOSE_FILE, HTTPS_PORT, COMPOSE_PROFILES',
    'not used by npm start and npm run dev, which set them for each replica: PORT, SERVER_NAME',
    'unknown: HTTP_PROT, REPLICA, STICKY_SECOND',
  ])
  assert.deepEqual(reportUnused({ HTTP_PORT: '1', PATH: '/', HTTP_PROXY: 'x', DOCKER_HOST: 'x' }, {}), [])
  assert.deepEqual(reportUnused({ DATABASE_PASSWORD_FILE: '/x', DATABASE_URL: 'y' }, {}), [
    'not used by npm start and npm run dev, which set them for each replica: DATABASE_URL, DATABASE_PASSWORD_FILE',
  ])
})

test('misspelt names of all settings are unknown; those in .env.example are known', () => {
  const { local, both } = exampleSections()
  assert.deepEqual(reportUnused({ ...local, ...both }, { ...local, ...both }), [])
  for (const name of Object.keys({ ...local, ...both })) {
    if (name === 'REPLICAS') continue
    for (const form of [
      name.slice(0, -2) + name.slice(-1) + name.slice(-2, -1),
      name.slice(0, -1),
      `${name}X`,
      name.replace('_', ''),
      name.replace('_', '-'),
    ])
      assert.deepEqual(reportUnused({ [form]: 'x' }, {}), form === name ? [] : [`unknown: ${form}`])
  }
})
