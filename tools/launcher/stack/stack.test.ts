import assert from 'node:assert/strict'
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { parseBuild } from '../../../nginx/find-nginx.ts'
import { UserError } from '../../../web/server/errors.ts'
import { eventually, temporaryFolder } from '../../lib/testing.ts'
import { stubReplica } from '../testing/stub-stack.ts'
import { ownBuild } from './build.ts'
import { checkSockets, keepAdminToken, openDataDir, takeLock, unusable } from './data-dir.ts'
import { checkNginx } from './nginx.ts'
import { keepRunning, type RunningService } from './supervise.ts'

test('a new folder is its owner’s alone', async () => {
  await using folder = await temporaryFolder()
  const dataDir = await openDataDir(join(folder.path, 'a', 'b'))
  assert.equal(statSync(dataDir.folder).mode & 0o777, 0o700)
})

test('the token of control is made once, is its owner’s alone, and a given one replaces it', async () => {
  await using folder = await temporaryFolder()
  const dataDir = await openDataDir(folder.path)
  const made = keepAdminToken(dataDir, null)
  assert.match(made, /^[0-9a-f]{48}$/)
  assert.equal(keepAdminToken(dataDir, null), made)
  assert.equal(keepAdminToken(dataDir, 'given-0123456789'), 'given-0123456789')
  assert.equal(readFileSync(dataDir.adminToken, 'utf8').trim(), 'given-0123456789')
  writeFileSync(dataDir.adminToken, 'short', { mode: 0o644 })
  assert.notEqual(keepAdminToken(dataDir, null), 'short')
  assert.equal(statSync(dataDir.adminToken).mode & 0o777, 0o600)
})

test('a file in place of the folder is reported in one sentence', async () => {
  await using folder = await temporaryFolder()
  const path = join(folder.path, 'file')
  writeFileSync(path, '')
  const message = `the folder ${path} cannot be used: a file is in its place`
  await assert.rejects(openDataDir(path), { name: 'UserError', message })
})

test('a file system error becomes a sentence about the folder; any other error is unchanged', () => {
  const full = Object.assign(new Error('write failed'), { code: 'ENOSPC' })
  const failure = unusable('/srv/board', full)
  assert.ok(failure instanceof UserError)
  assert.equal(failure.message, 'the folder /srv/board cannot be used: the disk is full')
  const other = new Error('a mistake')
  assert.equal(unusable('/srv/board', other), other)
})

function errorOf(does: () => unknown): unknown {
  try {
    does()
  } catch (error) {
    return error
  }
  return assert.fail('it did not fail')
}

test('an error about a path outside the folder names that path', async () => {
  await using folder = await temporaryFolder()
  const other = join(folder.path, 'file')
  writeFileSync(other, '')
  const outside = errorOf(() => readFileSync(join(other, 'below')))
  const messageFor = (dataDir: string) => {
    const failure = unusable(dataDir, outside)
    assert.ok(failure instanceof UserError)
    return failure.message
  }
  assert.equal(
    messageFor(join(folder.path, 'data')),
    `${join(other, 'below')} cannot be used: a file is in its place`,
  )
  for (const dataDir of [folder.path, join(other, 'below'), join(other, 'below', 'data')])
    assert.equal(messageFor(dataDir), `the folder ${dataDir} cannot be used: a file is in its place`)
})

test('sockets work in a folder with a long path; a disk without sockets is reported in one sentence', async () => {
  await using folder = await temporaryFolder()
  const dataDir = await openDataDir(join(folder.path, 'a'.repeat(200)))
  const before = readdirSync(dataDir.folder)
  await checkSockets(dataDir)
  assert.deepEqual(readdirSync(dataDir.folder), before)
  const refused = async () => Promise.reject(Object.assign(new Error('listen EPERM'), { code: 'EPERM' }))
  await assert.rejects(checkSockets(dataDir, refused), {
    name: 'UserError',
    message: /^the folder .* cannot be used: its disk supports no sockets \(EPERM\), .*Set DATA_DIR to /,
  })
})

test('a lock has one holder and can be taken again after its release', async () => {
  await using folder = await temporaryFolder()
  const path = join(folder.path, 'lock')
  const lock = takeLock(path)
  assert.ok(lock)
  assert.equal(takeLock(path), null)
  lock.release()
  const again = takeLock(path)
  assert.ok(again)
  again.release()
})

test('a lock file that cannot be written is an error', async () => {
  await using folder = await temporaryFolder()
  assert.throws(() => takeLock(join(folder.path, 'missing', 'lock')), /unable to open/)
})

for (const [what, said, sentence] of [
  [
    'too old',
    'nginx version: nginx/1.14.2',
    /^\/usr\/sbin\/nginx, NGINX 1\.14\.2, is too old: install 1\.18\.0 or later/,
  ],
  [
    'built without a module',
    'nginx version: nginx/1.22.1\nconfigure arguments: --prefix=/usr/local/nginx',
    /^\/usr\/sbin\/nginx, NGINX 1\.22\.1, was built without realip: install /,
  ],
] as const)
  test(`an NGINX that is ${what} is refused in a sentence, before anything is started`, async () => {
    const find = async () => parseBuild('/usr/sbin/nginx', said)
    await assert.rejects(checkNginx({}, find), { name: 'UserError', message: sentence })
  })

const workspace = { report: () => {}, signal: new AbortController().signal }

function makeBuild(build: string, version: string): void {
  mkdirSync(join(build, 'web/below'), { recursive: true })
  writeFileSync(join(build, 'web/replica.mjs'), version)
  writeFileSync(join(build, 'web/below/page.js'), version)
  symlinkSync('below/page.js', join(build, 'web/link.js'))
}

test('a stack runs from its own copy of the build: the next build changes nothing in it', async () => {
  await using folder = await temporaryFolder()
  const build = join(folder.path, 'build')
  const program = { ...stubReplica(), build, cwd: join(build, 'web') }
  makeBuild(build, 'first')
  const copies = ['a', 'b'].map(name => join(folder.path, name))
  const [first, second] = await Promise.all(copies.map(copy => ownBuild(program, copy, workspace)))
  rmSync(build, { recursive: true })
  makeBuild(build, 'second')
  for (const [own, copy] of [
    [first, copies[0]],
    [second, copies[1]],
  ] as const) {
    assert.equal(own?.cwd, join(copy ?? '', 'web'))
    for (const file of ['replica.mjs', 'below/page.js', 'link.js'])
      assert.equal(readFileSync(join(own?.cwd ?? '', file), 'utf8'), 'first', file)
  }
})

test('the next start on the same folder has the last build, with nothing of the one before', async () => {
  await using folder = await temporaryFolder()
  const build = join(folder.path, 'build')
  const program = { ...stubReplica(), build, cwd: join(build, 'web') }
  const copy = join(folder.path, 'copy')
  makeBuild(build, 'first')
  await ownBuild(program, copy, workspace)
  rmSync(build, { recursive: true })
  makeBuild(build, 'second')
  rmSync(join(build, 'web/below'), { recursive: true })
  await ownBuild(program, copy, workspace)
  assert.equal(readFileSync(join(copy, 'web/replica.mjs'), 'utf8'), 'second')
  assert.ok(!existsSync(join(copy, 'web/below')))
})

test('a missing build is reported in one sentence; a program without a build runs in its place', async () => {
  await using folder = await temporaryFolder()
  const build = join(folder.path, 'none')
  const copy = join(folder.path, 'copy')
  await assert.rejects(ownBuild({ ...stubReplica(), build, cwd: join(build, 'web') }, copy, workspace), {
    name: 'UserError',
    message: `no build in ${build}: start again`,
  })
  const program = stubReplica()
  assert.equal(await ownBuild(program, copy, workspace), program)
  assert.ok(!existsSync(copy))
})

// The launcher relies on this when it stops a stack: the order, and that a failure leaves no other process running.

test('the last resource is disposed first', async () => {
  const ended: string[] = []
  const resources = new AsyncDisposableStack()
  resources.defer(() => void ended.push('database'))
  resources.defer(async () => void ended.push('replicas'))
  await resources.disposeAsync()
  assert.deepEqual(ended, ['replicas', 'database'])
})

test('a failure does not prevent the other disposals, and its error is thrown', async () => {
  const ended: string[] = []
  const resources = new AsyncDisposableStack()
  resources.defer(() => void ended.push('lock'))
  resources.defer(() => Promise.reject(new Error('stuck')))
  await assert.rejects(resources.disposeAsync(), { message: 'stuck' })
  assert.deepEqual(ended, ['lock'])
})

test('each resource is disposed once, however often the stack is disposed', async () => {
  let ends = 0
  const resources = new AsyncDisposableStack()
  resources.defer(() => void ends++)
  await Promise.all([resources.disposeAsync(), resources.disposeAsync()])
  assert.equal(ends, 1)
})

/** A service without a process. The test ends or stops it. */
function fakeService(pid: number) {
  const { promise: exited, resolve: end } = Promise.withResolvers<string>()
  const stop = async () => end('SIGTERM')
  return { pid, exited, stop, end } satisfies RunningService & { end: unknown }
}

test('a service that ends is started again, which is reported in one line', async () => {
  const first = fakeService(1)
  const second = fakeService(2)
  const said: string[] = []
  const restarted: number[] = []
  const kept = keepRunning<RunningService>(first, {
    start: async () => second,
    replaced: service => restarted.push(service.pid),
    report: text => said.push(text),
  })
  first.end('SIGKILL')
  await eventually(() => said.length > 0)
  assert.deepEqual(said, ['ended (SIGKILL) and was started again'])
  assert.deepEqual(restarted, [2])
  await kept.stop()
  assert.equal(await second.exited, 'SIGTERM')
})

test('a start that fails is tried again', async () => {
  const first = fakeService(1)
  const second = fakeService(2)
  const said: string[] = []
  let tries = 0
  const kept = keepRunning<RunningService>(first, {
    start: async () => {
      if (tries++ === 0) throw new Error('no room')
      return second
    },
    replaced: () => {},
    report: text => said.push(text),
  })
  first.end('exit status 1')
  await eventually(() => said.length > 1)
  assert.deepEqual(said, [
    'ended (exit status 1) and does not start, next try in 0.25 s: no room',
    'ended (exit status 1) and was started again',
  ])
  await kept.stop()
})

test('a service that is stopped is not started again', async () => {
  const first = fakeService(1)
  const kept = keepRunning<RunningService>(first, {
    start: () => assert.fail('it was started again'),
    replaced: () => {},
    report: () => {},
  })
  await Promise.all([kept.stop(), kept.stop()])
  assert.equal(await first.exited, 'SIGTERM')
})

test('a service that becomes ready during the stop is stopped too', async () => {
  const first = fakeService(1)
  const second = fakeService(2)
  const starting = Promise.withResolvers<void>()
  const ready = Promise.withResolvers<RunningService>()
  const kept = keepRunning<RunningService>(first, {
    start: () => {
      starting.resolve()
      return ready.promise
    },
    replaced: () => {},
    report: () => {},
  })
  first.end('SIGKILL')
  await starting.promise
  const stopped = kept.stop()
  ready.resolve(second)
  await stopped
  assert.equal(await second.exited, 'SIGTERM')
})
