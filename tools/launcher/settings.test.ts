import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { parseDataDir, parseSettings, settingsOfDocker } from './settings.ts'

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
    nginxWorkers: 2,
    logLimits: { days: 30, rows: 10_000_000 },
    trustedProxies: [],
  })
})

test('what is set is taken, and an empty variable counts as not set', () => {
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

test('a port may have an address before it, as compose takes it', () => {
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
    /HTTP_HOST must be the address/,
  )
  for (const HTTP_PORT of ['127.0.0.1:0', '127.0.0.1:', ':8080', '::1:8080', '127.0.0.1:8080:80', '70000'])
    assert.throws(() => parseSettings({ HTTP_PORT }), /HTTP_PORT must be/, HTTP_PORT)
})

test('a command about a running stack looks at DATA_DIR alone', () => {
  assert.equal(parseDataDir({ DATA_DIR: '/srv/board', HTTP_PORT: 'x', REPLICAS: '-1' }), '/srv/board')
  assert.equal(parseDataDir({ DATA_DIR: '' }), '.data')
})

test('proxies are a list, and what is no proxy is said', () => {
  const settings = parseSettings({ TRUSTED_PROXIES: '10.0.0.7, 10.1.0.0/24 fd12:3456:789a::/48' })
  assert.deepEqual(settings.trustedProxies, ['10.0.0.7', '10.1.0.0/24', 'fd12:3456:789a::/48'])
  assert.throws(
    () => parseSettings({ TRUSTED_PROXIES: 'proxy.example' }),
    /TRUSTED_PROXIES must be addresses/,
  )
})

test('all that is wrong is said at once', () => {
  const wrong = { HTTP_PORT: '80a', REPLICAS: '0', SHOW_CLIENT_IPS: 'all', HTTP_HOST: 'a b' }
  assert.throws(() => parseSettings(wrong), {
    name: 'UserError',
    message: [
      'these settings cannot be used:',
      '    HTTP_HOST must be an address of this machine, not "a b"',
      '    HTTP_PORT must be a whole number from 1 to 65535, not "80a"',
      '    REPLICAS must be a whole number from 1 to 50, not "0"',
      '    SHOW_CLIENT_IPS must be short or full, not "all"',
    ].join('\n'),
  })
})

/** The variables of .env.example, by the heading that they stand under. */
function exampleSections() {
  const [, ...sections] = readFileSync(join(root, '.env.example'), 'utf8').split(/^# --- /m)
  const variables = sections.map(section =>
    Object.fromEntries([...section.matchAll(/^([A-Z_]+)=(.*)$/gm)].map(([, name, value]) => [name, value])),
  )
  const [local = {}, both = {}, docker = {}] = variables
  return { local, both, docker }
}

test('.env.example has the defaults, and says which stack uses what', () => {
  const { local, both, docker } = exampleSections()
  assert.deepEqual(parseSettings({ ...local, ...both }), parseSettings({}))
  assert.deepEqual(settingsOfDocker({ ...local, ...both }), [])
  const set = Object.fromEntries(Object.keys(docker).map(name => [name, 'x']))
  assert.deepEqual(settingsOfDocker(set).sort(), Object.keys(docker).sort())
  const files = [
    'docker-compose.yml',
    'deploy/compose/https.yml',
    'deploy/compose/proxy.yml',
    'deploy/compose/studio.yml',
  ]
  const compose = files.map(file => readFileSync(join(root, file), 'utf8')).join('\n')
  // The one that compose reads to find these files.
  const { COMPOSE_FILE, ...inFiles } = docker
  assert.equal(COMPOSE_FILE, 'docker-compose.yml')
  for (const name of [...Object.keys(both), ...Object.keys(inFiles), 'HTTP_PORT', 'REPLICAS'])
    assert.ok(compose.includes(`\${${name}:-`), `${name} does not reach the stack with Docker`)
})

test('what is set for the stack with Docker alone is named, and what is empty is not', () => {
  const set = { HTTPS_PORT: '8443', DATABASE_PASSWORD: 'secret', PUBLIC_HOST: '', HTTP_PORT: '8080' }
  assert.deepEqual(settingsOfDocker(set), ['HTTPS_PORT', 'DATABASE_PASSWORD'])
})
