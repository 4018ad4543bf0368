import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import { checkPort, freePorts, portFailure } from './ports.ts'
import {
  boundLog,
  commandLine,
  findProcess,
  lastLines,
  listGroup,
  openLog,
  parsePs,
  parseStat,
  signalProcess,
} from './processes.ts'
import { temporaryFolder } from './testing.ts'
import { untilHung } from './wait.ts'

const rest =
  '18857 0 -1 4194560 27183 0 0 0 213 22 0 0 20 0 11 0 302473 10405179392 32717 18446744073709551615'

test('a process is read from /proc, whatever its command is called', () => {
  const line = `733 (a) S (b) S 1 727 ${rest}\n`
  assert.deepEqual(parseStat(line, 'boot'), {
    pid: 733,
    group: 727,
    command: 'a) S (b',
    stopped: false,
    started: 'boot/302473',
  })
})

test('a zombie is not a process', () => {
  assert.equal(parseStat(`733 (nginx) Z 1 727 ${rest}`, 'boot'), null)
})

test('processes are read from ps where there is no /proc', () => {
  const text = [
    '  512   500 Ss   Sun Nov 22 21:14:00 2026     /usr/local/bin/nginx -x',
    '  513   500 Z+   Sun Nov  1 01:14:00 2026     (nginx)',
    '',
  ].join('\n')
  const [entry, ...others] = parsePs(text)
  assert.deepEqual(others, [])
  assert.deepEqual(entry, {
    pid: 512,
    group: 500,
    command: '/usr/local/bin/nginx -x',
    stopped: false,
    started: 'Sun Nov 22 21:14:00 2026',
  })
})

test('this process is in the table, and in its group', () => {
  const own = findProcess(process.pid)
  assert.equal(own?.pid, process.pid)
  assert.deepEqual(
    listGroup(own?.group ?? 0).find(({ pid }) => pid === process.pid),
    own,
  )
})

test('a command line is whole, and empty once the process has ended', async () => {
  const child = spawn('sleep', ['1234'])
  await once(child, 'spawn')
  const pid = child.pid ?? 0
  assert.equal(commandLine(pid), 'sleep 1234')
  assert.equal(signalProcess(pid, 'SIGKILL'), true)
  await once(child, 'exit')
  assert.equal(commandLine(pid), '')
  assert.equal(signalProcess(pid, 'SIGKILL'), false)
})

/** A service that gives these answers, each after that many ms, and a clock that runs only during a probe. */
function fakeService(answers: { answered: boolean; afterMs: number }[]) {
  let time = 0
  let probes = 0
  const watching = new AbortController()
  const until = untilHung('', 25_000, watching.signal, {
    pauseMs: 0,
    now: () => time,
    responds: async () => {
      const next = answers[probes]
      if (!next) watching.abort()
      else probes += 1
      time += next?.afterMs ?? 0
      return next?.answered ?? true
    },
  })
  return until.then(
    () => ({ hung: true, probes }),
    () => ({ hung: false, probes }),
  )
}

const silent = { answered: false, afterMs: 4000 }
const answer = { answered: true, afterMs: 1000 }

test('a service without an answer for 25 s is hung', async () => {
  assert.deepEqual(await fakeService(Array(20).fill(silent)), { hung: true, probes: 7 })
})

test('one answer starts the time again', async () => {
  const answers = Array(20).fill([silent, silent, silent, silent, silent, silent, answer]).flat()
  assert.deepEqual(await fakeService(answers), { hung: false, probes: 140 })
})

test('a service that is frozen for 10 s and then slow is not hung', async () => {
  assert.equal((await fakeService([silent, silent, silent, { answered: true, afterMs: 2900 }])).hung, false)
})

test('the time for which the launcher was suspended does not count', async () => {
  const suspended = { answered: false, afterMs: 3_600_000 }
  assert.equal((await fakeService([suspended, suspended, suspended, answer])).hung, false)
})

test('a refused connection is not an answer, however quickly it is refused', async () => {
  const refused = { answered: false, afterMs: 1000 }
  assert.deepEqual(await fakeService(Array(30).fill(refused)), { hung: true, probes: 25 })
})

test('a probe does not count while this process has too little CPU time', async () => {
  let probes = 0
  const enough = new AbortController()
  const responds = async () => {
    const until = performance.now() + 120
    while (performance.now() < until);
    if (++probes === 5) enough.abort()
    return false
  }
  await assert.rejects(untilHung('http://service', 200, enough.signal, { responds, pauseMs: 1 }), {
    name: 'AbortError',
  })
  assert.equal(probes, 5)
})

test('a folder has the same ports each time, except those in use', async () => {
  const { value: first } = await freePorts('/srv/a folder of this test').next()
  await using other = createServer().listen(first, '127.0.0.1')
  await once(other, 'listening')
  const { value: next } = await freePorts('/srv/a folder of this test').next()
  assert.ok(next !== first && next >= 20_000 && next < 30_000)
  await assert.rejects(checkPort('127.0.0.1', first), { message: /is in use/ })
})

test('an address of another machine cannot be listened on', async () => {
  await assert.rejects(checkPort('192.0.2.1', 8080), {
    message: '192.0.2.1 is not an address of this machine: set HTTP_HOST to an address of this machine',
  })
})

test('a port that needs more rights says so', () => {
  assert.match(portFailure('127.0.0.1', 80, 'EACCES').message, /may not listen on port 80/)
})

test('each start has a new log, and the previous one is kept', async () => {
  await using folder = await temporaryFolder()
  const path = join(folder.path, 'web-1.log')
  for (const text of ['one', 'two', 'three']) {
    await using log = await openLog(path)
    await log.write(text)
  }
  assert.equal(readFileSync(path, 'utf8'), 'three')
  assert.equal(readFileSync(`${path}.1`, 'utf8'), 'two')
})

test('the last lines are read from the end; no log has none', async () => {
  await using folder = await temporaryFolder()
  const path = join(folder.path, 'web-1.log')
  assert.equal(await lastLines(path, 2), '')
  writeFileSync(path, `${'x'.repeat(20_000)}\none\ntwo\n`)
  assert.equal(await lastLines(path, 2), 'one\ntwo')
})

test('a log that is too large is emptied while its writer has it open', async () => {
  await using folder = await temporaryFolder()
  const path = join(folder.path, 'access.log')
  await using log = await openLog(path)
  await log.write('0123456789')
  await boundLog(path, 10)
  assert.equal(readFileSync(path, 'utf8'), '0123456789')
  await log.write('a')
  await boundLog(path, 10)
  await log.write('b')
  assert.equal(readFileSync(path, 'utf8'), 'b')
  assert.equal(readFileSync(`${path}.1`, 'utf8'), '0123456789a')
})
