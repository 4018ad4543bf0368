import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startStubServer } from '../../../tools/lib/testing.ts'
import type { FiringAlert } from '../../shared/api.ts'
import { FiringAlerts, readAlertmanager } from './alerts.ts'

const since = '2026-11-22T12:00:00.000Z'
const alert: FiringAlert = { name: 'ReplicaLost', summary: '', since }

/** Alerts with a clock and an Alertmanager that the test controls. */
function controlled() {
  const state = { now: 0, asked: 0, away: false, alerts: [alert] }
  const firing = new FiringAlerts(
    async () => {
      state.asked++
      if (state.away) throw new Error('away')
      return structuredClone(state.alerts)
    },
    () => state.now,
  )
  return { state, firing }
}

const answered = () => new Promise(setImmediate)

test('Alertmanager is asked at most once in five seconds, and only when somebody reads', async () => {
  const { state, firing } = controlled()
  assert.equal(state.asked, 0)
  for (let reader = 0; reader < 100; reader++) assert.equal(firing.current, null)
  await answered()
  assert.deepEqual(firing.current, [alert])
  assert.equal(state.asked, 1)
  state.now = 5000
  assert.equal(firing.current, firing.current)
  assert.equal(state.asked, 2)
})

test('the same alerts are the same array, so that nothing is sent again', async () => {
  const { state, firing } = controlled()
  assert.equal(firing.current, null)
  await answered()
  const before = firing.current
  state.now = 6000
  assert.equal(firing.current, before)
  await answered()
  assert.equal(firing.current, before)
  state.alerts = []
  state.now = 12_000
  assert.equal(firing.current, before)
  await answered()
  assert.deepEqual(firing.current, [])
})

test('the last alerts stay for a minute while Alertmanager does not answer', async () => {
  const { state, firing } = controlled()
  assert.equal(firing.current, null)
  await answered()
  state.away = true
  state.now = 59_999
  assert.deepEqual(firing.current, [alert])
  await answered()
  state.now = 60_000
  assert.equal(firing.current, null)
})

/** What `readAlertmanager` makes of this answer. */
async function read(body: unknown, status = 200) {
  const paths: (string | undefined)[] = []
  await using server = await startStubServer((request, response) => {
    paths.push(request.url)
    response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(body))
  })
  return { alerts: await readAlertmanager(`${server.url}/prefix`), paths }
}

const listed = (alertname: string, severity: string | undefined, startsAt: string, summary?: string) => ({
  labels: { alertname, ...(severity !== undefined && { severity }), instance: 'web-1' },
  annotations: summary === undefined ? {} : { summary },
  startsAt,
  status: { state: 'active', silencedBy: [], inhibitedBy: [] },
})

test('each name once, since its first, most urgent first, without the watchdog', async () => {
  const { alerts, paths } = await read([
    listed('Watchdog', 'none', since),
    listed('ReplicaLost', 'ticket', '2026-11-22T11:00:00.000Z', 'a replica is lost'),
    listed('Unranked', undefined, '2026-11-22T10:00:00.000Z'),
    listed('DatabaseAway', 'page', '2026-11-22T13:00:00.000+01:00', 'no database'),
    listed('ReplicaLost', 'ticket', '2026-11-22T10:30:00Z', 'a replica is lost'),
  ])
  assert.deepEqual(alerts, [
    { name: 'DatabaseAway', summary: 'no database', since: '2026-11-22T12:00:00.000Z' },
    { name: 'ReplicaLost', summary: 'a replica is lost', since: '2026-11-22T10:30:00.000Z' },
    { name: 'Unranked', summary: '', since: '2026-11-22T10:00:00.000Z' },
  ])
  assert.deepEqual(paths, [
    '/prefix/api/v2/alerts?active=true&silenced=false&inhibited=false&unprocessed=false',
  ])
})

test('of many alerts ten are shown', async () => {
  const many = Array.from({ length: 200 }, (_, index) => listed(`Alert${index}`, 'page', since))
  assert.equal((await read(many)).alerts.length, 10)
})

for (const [problem, body, status] of [
  ['an error', [], 500],
  ['something else', { status: 'success' }, 200],
  ['a time that is none', [listed('DatabaseAway', 'page', 'soon')], 200],
] as const) {
  test(`${problem} from Alertmanager is refused`, () => assert.rejects(read(body, status)))
}
