import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { temporaryFolder } from '../../lib/testing.ts'
import { stubReplica } from '../testing/stub-stack.ts'
import { ownBuild } from './own-build.ts'

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
