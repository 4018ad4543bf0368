import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { test } from 'node:test'
import { commandLine, findProcess, listGroup, parsePs, parseStat, signalProcess } from './processes.ts'

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
