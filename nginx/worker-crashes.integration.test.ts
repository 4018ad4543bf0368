import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { appendFile, readFile, rename, writeFile } from 'node:fs/promises'
import type { IncomingMessage } from 'node:http'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { alive, signalGroup } from '../tools/lib/processes.ts'
import { eventually, temporaryFolder } from '../tools/lib/testing.ts'
import { drain, freeze, type StubReplica, sendRequest, startRequest } from './testing/client-and-replica.ts'
import { type Board, startBoard, stickyModes, type Watcher, watchFor } from './testing/run-nginx.ts'

const timeout = 60_000
const watchers: Watcher[] = ['launcher', 'container']
const cases = stickyModes.flatMap(mode =>
  watchers.map(recovery => ({ mode, recovery, name: `${mode}, ${recovery}` })),
)
// The test is a trusted proxy, so it says which address a visitor has.
const visitor = { headers: { 'X-Forwarded-For': '203.0.113.7' } }

for (const { mode, recovery, name } of cases) {
  for (const signal of ['SIGKILL', 'SIGSEGV', 'SIGTERM'] as const)
    test(`${name}: page views recover after ${signal} to the workers under page views, twice`, {
      timeout,
    }, async () => {
      await using board = await startBoard(mode, { recovery, pageViews: 6 })
      const { pid } = board.nginx
      for (let time = 0; time < 2; time++) {
        await holdPageViews(board, 6)
        assert.equal((await sendRequest(board.port, '/')).status, 503)
        // Then as many as the limit can be under way again, so no place is lost.
        await crashAndRecover(board, signal)
        for (const replica of board.replicas) answerAgain(replica)
      }
      assert.equal((await sendRequest(board.port, '/')).status, 200)
      assert.deepEqual(alive([pid]), [pid])
    })

  test(`${name}: new visitors reach every replica again`, { timeout }, async () => {
    await using board = await startBoard(mode, { recovery })
    const [victim] = board.replicas
    assert.ok(victim)
    // The others turn new visitors away, so one replica holds all, and only its connection count leaks.
    for (const replica of board.replicas) replica.answer = replica === victim ? freeze : drain(replica)
    const held = Array.from({ length: 30 }, () => sendRequest(board.port, '/').catch(() => null))
    await eventually(() => victim.requests.length >= 30)
    await crashAndRecover(board, 'SIGKILL')
    await Promise.all(held)
    for (const replica of board.replicas) answerAgain(replica)
    await eventually(() => pageViewSucceeds(board))
    for (const replica of board.replicas) replica.requests.length = 0
    for (let visit = 0; visit < 30; visit++) await sendRequest(board.port, '/')
    for (const { requests } of board.replicas) assert.ok(requests.length >= 5, `${requests.length} of 30`)
  })

  test(`${name}: an address gets its places back`, { timeout }, async () => {
    await using board = await startBoard(mode, { recovery, trustedProxies: ['127.0.0.1'] })
    const streams = await openStreams(board, 100)
    assert.equal((await sendRequest(board.port, '/api/snapshot', visitor)).status, 429)
    crashWorkers(board, 'SIGKILL')
    await eventually(async () => {
      const answer = await sendRequest(board.port, '/api/snapshot', visitor).catch(() => null)
      return answer?.status === 200
    })
    for (const stream of streams) stream.destroy()
  })

  test(`${name}: a crash fails only the crashed worker's requests`, { timeout }, async () => {
    await using board = await startBoard(mode, { recovery })
    const failed: string[] = []
    let visited = 0
    const done = new AbortController()
    const visits = Array.from({ length: 4 }, async () => {
      while (!done.signal.aborted) {
        visited++
        const status = await sendRequest(board.port, '/').then(
          answer => String(answer.status),
          error => String(error.code),
        )
        if (status !== '200') failed.push(status)
      }
    })
    await eventually(() => visited > 100)
    await crashAndRecover(board, 'SIGKILL')
    done.abort()
    await Promise.all(visits)
    // One for each visitor at the most: what it had under way when the worker ended.
    assert.ok(failed.length <= 4, `${failed.length} of ${visited}: ${failed}`)
    assert.ok(
      failed.every(code => code === 'ECONNRESET'),
      failed.join(),
    )
  })

  test(`${name}: neither a reload nor a worker that ends in order is a crash`, { timeout }, async () => {
    await using board = await startBoard(mode, { recovery })
    // Streams hold the old workers until worker_shutdown_timeout ends them.
    const streams = await openStreams(board, 4)
    const first = board.nginx.children()
    process.kill(board.nginx.pid, 'SIGHUP')
    await eventually(() => alive(first).length === 0)
    const [worker] = board.nginx.workers()
    assert.ok(worker)
    process.kill(worker, 'SIGQUIT')
    await eventually(() => alive([worker]).length === 0 && board.nginx.workers().length === 2)
    // A crash after them is the first one in the log.
    process.kill(board.nginx.workers()[0] ?? 0, 'SIGKILL')
    await eventually(async () => (await board.nginx.said()).includes('reloading'))
    assert.match(await board.nginx.said(), /^[^\n]*exited on signal 9: reloading with new shared memory\n?$/)
    for (const stream of streams) stream.destroy()
  })

  test(`${name}: a worker that is stopped is found, and replaced`, { timeout }, async () => {
    await using board = await startBoard(mode, { recovery })
    const [stuck, other] = board.nginx.workers()
    assert.ok(stuck && other)
    // Page views go through a server inside NGINX, on connections that are kept: some of those that all workers have.
    await Promise.all(Array.from({ length: 50 }, () => sendRequest(board.port, '/')))
    process.kill(stuck, 'SIGSTOP')
    // The other worker takes these, and gives some to the one that is stopped: it has them back when that one is killed.
    const answers = await Promise.all(Array.from({ length: 50 }, () => sendRequest(board.port, '/')))
    assert.deepEqual(
      answers.filter(({ status }) => status !== 200),
      [],
    )
    await eventually(() => alive([stuck]).length === 0)
    assert.match(await board.nginx.said(), /worker process \d+ has been stopped for 5 s: it is killed/)
    await eventually(() => pageViewSucceeds(board))
    assert.deepEqual(alive([board.nginx.pid]), [board.nginx.pid])
  })

  test(`${name}: an NGINX that is stopped as a whole is left as it is`, { timeout }, async () => {
    await using board = await startBoard(mode, { recovery })
    const all = [board.nginx.pid, ...board.nginx.workers()]
    for (const pid of all) process.kill(pid, 'SIGSTOP')
    await new Promise(resolve => setTimeout(resolve, 7_000))
    for (const pid of all) process.kill(pid, 'SIGCONT')
    await eventually(() => pageViewSucceeds(board))
    assert.deepEqual(alive(all), all)
  })

  test(`${name}: workers that crash all the time make few reloads`, { timeout }, async () => {
    await using board = await startBoard(mode, { recovery })
    const begun = performance.now()
    let crashes = 0
    while (performance.now() - begun < 6_000) {
      for (const worker of board.nginx.workers()) {
        process.kill(worker, 'SIGKILL')
        crashes++
      }
      await new Promise(resolve => setTimeout(resolve, 50))
    }
    assert.ok(crashes > 50, `${crashes} crashes`)
    const reloads = await countReloads(board)
    assert.ok(reloads <= 6, `${reloads} reloads after ${crashes} crashes`)
    await eventually(() => pageViewSucceeds(board))
  })

  test(`${name}: a reload that NGINX refuses is tried again, and NGINX goes on`, { timeout }, async () => {
    await using board = await startBoard(mode, { recovery, pageViews: 2 })
    const file = join(dirname(board.nginx.files.configFile), 'server.conf')
    await rename(file, `${file}.away`)
    await holdPageViews(board, 2)
    crashWorkers(board, 'SIGKILL')
    for (const replica of board.replicas) answerAgain(replica)
    await eventually(async () => (await board.nginx.said()).split('NGINX refused to reload').length > 2)
    assert.equal((await sendRequest(board.port, '/')).status, 503)
    await rename(`${file}.away`, file)
    await eventually(() => pageViewSucceeds(board))
    assert.deepEqual(alive([board.nginx.pid]), [board.nginx.pid])
  })
}

for (const recovery of watchers)
  test(`${recovery}: an NGINX whose old workers do not end after a reload is killed, to be started again`, {
    timeout,
  }, async () => {
    await using nginx = await startStuckNginx()
    const { said, stop } = watchFor(recovery, nginx.files, nginx.pid)
    await using _watcher = { [Symbol.asyncDispose]: stop }
    await appendFile(
      nginx.files.processLog,
      '2026/11/26 12:00:00 [alert] 7#7: worker process 7 exited on signal 9\n',
    )
    assert.deepEqual(await nginx.ended(), [null, 'SIGKILL'])
    await stop()
    assert.match(await said(), /worker process 7 exited on signal 9: reloading with new shared memory/)
    assert.match(await said(), /old workers do not end after a reload: NGINX is killed/)
  })

/**
 * A program whose one worker goes on whatever it is told, as NGINX's do that wait for a lock which a killed worker held. No
 * signal brings a real worker into that state: one that is stopped is found and killed.
 */
async function startStuckNginx() {
  await using resources = new AsyncDisposableStack()
  const folder = resources.use(await temporaryFolder())
  const directory = folder.path
  const files = {
    configFile: join(directory, 'nginx.conf'),
    processLog: join(directory, 'processes.log'),
    sharedMemory: join(directory, 'shared-memory.conf'),
  }
  await writeFile(files.processLog, '')
  await writeFile(files.sharedMemory, 'limit_conn_zone $any zone=places:100k;\n')
  // It names itself once its worker is there.
  const program = `trap '' HUP; sleep 600 & echo $$ >nginx.pid; wait`
  const master = spawn('bash', ['-c', program], { cwd: directory, detached: true, stdio: 'ignore' })
  const exited = once(master, 'exit')
  // Also the worker, which would live on.
  resources.defer(async () => {
    if (master.pid) signalGroup(master.pid, 'SIGKILL')
    await exited
  })
  const hasExited = () => master.exitCode !== null || master.signalCode !== null
  const written = () => readFile(join(directory, 'nginx.pid'), 'utf8').catch(() => '')
  const pid = Number(await eventually(async () => (await written()).trim() || null))
  const ended = async () => {
    await eventually(hasExited)
    return await exited
  }
  const kept = resources.move()
  return { files, pid, ended, [Symbol.asyncDispose]: () => kept.disposeAsync() }
}

/**
 * Page views that replicas have taken and do not answer. NGINX gives up on a replica after 2 s, but tries others, so it holds the
 * page views for some seconds. Their answers do not matter.
 */
async function holdPageViews({ port, replicas }: Board, count: number): Promise<void> {
  for (const replica of replicas) {
    replica.requests.length = 0
    replica.answer = freeze
  }
  const answered: number[] = []
  for (let n = 0; n < count; n++)
    void sendRequest(port, `/?${n}`).then(
      ({ status }) => answered.push(status),
      () => {},
    )
  await eventually(() => {
    assert.deepEqual(answered, [])
    return new Set(replicas.flatMap(({ requests }) => requests.map(({ url }) => url))).size >= count
  })
}

function answerAgain(replica: StubReplica): void {
  replica.answer = (_request, response) => void response.end('well')
}

function crashWorkers({ nginx }: Board, signal: NodeJS.Signals): void {
  for (const worker of nginx.workers()) process.kill(worker, signal)
}

async function pageViewSucceeds({ port }: Board): Promise<boolean> {
  const answer = await sendRequest(port, '/').catch(() => null)
  return answer?.status === 200
}

/** Crashes the workers, and waits until NGINX has reloaded and only workers run that it has started since. */
async function crashAndRecover(board: Board, signal: NodeJS.Signals): Promise<void> {
  const before = await countReloads(board)
  crashWorkers(board, signal)
  await eventually(async () => {
    const reloads = await countReloads(board)
    const log = (await readFile(board.nginx.files.processLog, 'utf8')).split(', reconfiguring')
    const started = [...(log.at(-1) ?? '').matchAll(/start worker process (\d+)/g)].map(([, pid]) =>
      Number(pid),
    )
    const running = board.nginx.workers()
    const isNew = running.length === 2 && running.every(pid => started.includes(pid))
    return reloads > before && log.length - 1 === reloads && isNew
  })
}

async function countReloads({ nginx }: Board): Promise<number> {
  return (await nginx.said()).split('reloading').length - 1
}

/** Of a public address, so that they count. */
async function openStreams({ port, replicas }: Board, count: number): Promise<IncomingMessage[]> {
  for (const replica of replicas)
    replica.answer = (request, response) => {
      if (request.url === '/api/live') response.write('event: snapshot\n\n')
      else response.end('well')
    }
  return Promise.all(Array.from({ length: count }, () => startRequest(port, '/api/live', visitor)))
}
