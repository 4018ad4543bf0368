import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseSettings } from './settings.ts'

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

test('all that is wrong is said at once', () => {
  const wrong = { HTTP_PORT: '80a', REPLICAS: '0', SHOW_CLIENT_IPS: 'all', HTTP_HOST: 'a b' }
  assert.throws(() => parseSettings(wrong), {
    name: 'StackFailure',
    message: [
      'these settings cannot be used:',
      '    HTTP_HOST must be an address of this machine, not "a b"',
      '    HTTP_PORT must be a whole number from 1 to 65535, not "80a"',
      '    REPLICAS must be a whole number from 1 to 50, not "0"',
      '    SHOW_CLIENT_IPS must be short or full, not "all"',
    ].join('\n'),
  })
})
