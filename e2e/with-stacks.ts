import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { buildIfChanged } from '../tools/launcher/stack/build.ts'
import type { Stack } from '../tools/launcher/stack/stack.ts'
import { print } from '../tools/lib/terminal.ts'
import { runBeside, startStubServer, temporaryFolder } from '../tools/lib/testing.ts'
import { startBoard } from './support/board-control.ts'

// Runs a command with temporary stacks:
//   node e2e/with-stacks.ts playwright test -c e2e
// BASE_URL is a board with three replicas, STACK_FILE describes its processes, and ADMIN_TOKEN is its token. At BRIEF_COOKIE_URL
// the cookie lasts three seconds. FAULTS_STACK_FILE describes a board with three replicas whose processes tests kill and freeze.
// STATES_STACK_FILE describes a board with one replica, for states that would disturb other tests. Its header links to
// monitoring, and the alerts that fire are those in ALERTS_FILE, in the form of Alertmanager's API.
// If BASE_URL is already set, the command runs against that board, and nothing is started.

await runBeside(process.argv.slice(2), async signal => {
  if (process.env.BASE_URL) return { environment: {}, stop: async () => {} }
  await buildIfChanged(print, signal)
  const folder = await temporaryFolder()
  const alertsFile = join(folder.path, 'alerts.json')
  const alertmanager = await startStubServer(async (_request, response) => {
    response.end(await readFile(alertsFile, 'utf8').catch(() => '[]'))
  })
  const stacks: Stack[] = []
  const stop = async () => {
    await Promise.all(stacks.map(stack => stack.stop()))
    await alertmanager[Symbol.asyncDispose]()
    await folder.remove()
  }
  const start = async (name: string, options: Omit<Parameters<typeof startBoard>[1], 'signal'>) => {
    const dataDir = join(folder.path, name)
    const stack = await startBoard(dataDir, { ...options, signal })
    stacks.push(stack)
    return { url: stack.url, file: join(dataDir, 'stack.json'), adminToken: stack.adminToken }
  }
  try {
    const board = await start('board', { replicas: 3 })
    const brief = await start('brief', { replicas: 2, stickySeconds: 3 })
    const faults = await start('faults', { replicas: 3 })
    const monitoringUrls = {
      PROMETHEUS_URL: 'https://prometheus.example',
      GRAFANA_URL: 'https://grafana.example/',
      ALERTMANAGER_URL: alertmanager.url,
    }
    // Tests freeze its server for as long as they check every window.
    const states = await start('states', { replicas: 1, hungAfterMs: null, monitoringUrls })
    const environment = {
      BASE_URL: board.url,
      STACK_FILE: board.file,
      ADMIN_TOKEN: board.adminToken,
      BRIEF_COOKIE_URL: brief.url,
      FAULTS_STACK_FILE: faults.file,
      STATES_STACK_FILE: states.file,
      ALERTS_FILE: alertsFile,
    }
    return { environment, stop }
  } catch (error) {
    await stop()
    throw error
  }
})
