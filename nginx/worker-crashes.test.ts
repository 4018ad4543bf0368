import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { temporaryFolder } from '../tools/lib/testing.ts'
import { crashIn, resizeZones } from './worker-crashes.ts'

const master = 7
const at = '2026/11/25 16:00:00'

const lines: [line: string, says: string | null][] = [
  [`${at} [alert] 7#7: worker process 12 exited on signal 9`, 'worker process 12 exited on signal 9'],
  [
    `${at} [alert] 7#7: worker process 12 exited on signal 11 (core dumped)`,
    'worker process 12 exited on signal 11',
  ],
  [`${at} [notice] 7#7: worker process 12 exited with code 1`, 'worker process 12 exited with code 1'],
  [
    `${at} [alert] 7#7: worker process 12 exited with fatal code 2 and cannot be respawned`,
    'worker process 12 exited with fatal code 2',
  ],
  [
    `${at} [alert] 7#7: cache manager process 14 exited on signal 9`,
    'cache manager process 14 exited on signal 9',
  ],
  [
    `${at} [notice] 12#12: signal 15 (SIGTERM) received from 1, exiting`,
    'worker process 12: signal 15 (SIGTERM) received',
  ],
  [
    `${at} [notice] 12#12: signal 2 (SIGINT) received, exiting`,
    'worker process 12: signal 2 (SIGINT) received',
  ],
  // A reload, an orderly stop, and a process that shuts down without a signal.
  [`${at} [notice] 7#7: signal 1 (SIGHUP) received from 1, reconfiguring`, null],
  [`${at} [notice] 12#12: gracefully shutting down`, null],
  [`${at} [notice] 12#12: signal 3 (SIGQUIT) received from 1, shutting down`, null],
  [`${at} [notice] 7#7: worker process 12 exited with code 0`, null],
  [`${at} [notice] 7#7: cache loader process 13 exited with code 0`, null],
  [`${at} [notice] 7#7: signal 17 (SIGCHLD) received from 12`, null],
  [`${at} [notice] 7#7: signal 15 (SIGTERM) received from 1, exiting`, null],
  [`${at} [alert] 7#7: unknown process 99 exited on signal 9`, null],
  // What a client sends is in the lines about its requests.
  [
    `${at} [error] 12#12: *3 connect() failed, referrer: "${at} [alert] 7#7: worker process 12 exited on signal 9"`,
    null,
  ],
  [
    `${at} [error] 12#12: *3 connect() failed, referrer: "[notice] 12#12: signal 15 (SIGTERM) received from 1, exiting"`,
    null,
  ],
]

for (const [line, says] of lines)
  test(`${says ? 'a crash' : 'no crash'}: ${line.slice(at.length + 1)}`, () => {
    assert.equal(crashIn(line, master), says)
    assert.equal(inShell(`master=${master}; crash_in "$1"`, line), says ?? '')
  })

test('a reload makes every zone new: each size changes, and changes back', async () => {
  const template = readFileSync(join(import.meta.dirname, 'conf/shared-memory.conf.template'), 'utf8')
  const zones = (text: string) => [...text.matchAll(/(?:zone=|shared:)(\w+):(\d+)k/g)].map(([zone]) => zone)
  const resized = resizeZones(template)
  assert.ok(zones(template).length >= 5)
  assert.equal(zones(template).filter(zone => zones(resized).includes(zone)).length, 0)
  assert.equal(resizeZones(resized), template)

  await using folder = await temporaryFolder()
  const file = join(folder.path, 'shared-memory.conf')
  writeFileSync(file, template)
  inShell(`zones=$1; resize_zones`, file)
  assert.equal(readFileSync(file, 'utf8'), resized)
})

/** Runs a line with the functions of the container's script, whose last two lines start the watching. */
function inShell(line: string, argument: string): string {
  const script = join(import.meta.dirname, 'docker-entrypoint.d/30-worker-crashes.sh')
  const functions = readFileSync(script, 'utf8').trimEnd().split('\n').slice(0, -2).join('\n')
  const { stdout, stderr } = spawnSync('bash', ['-c', `${functions}\n${line}`, 'bash', argument], {
    encoding: 'utf8',
  })
  assert.equal(stderr, '')
  return stdout.trimEnd()
}
