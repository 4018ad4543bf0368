import assert from 'node:assert/strict'
import { test } from 'node:test'
import { importProblems, importsOf } from './imports.ts'

const problemsOf = (modules: Record<string, string>) =>
  importProblems(new Map(Object.entries(modules).map(([path, text]) => [path, importsOf(path, text)])))

const wrongOnes: [from: string, path: string, why: RegExp][] = [
  ['web/app/log/log-panel.tsx', '../../server/db/log.ts', /web\/app may import web\/shared/],
  ['web/server/db/log.ts', '../../app/log/log-rows.ts', /web\/server may import web\/shared/],
  ['web/shared/api.ts', '../server/config.ts', /web\/shared may import nothing else/],
  ['web/shared/api.ts', '../app/ui/formats.ts', /web\/shared may import nothing else/],
  ['web/server/config.ts', '../../tools/lib/wait.ts', /web\/server may import web\/shared/],
  ['nginx/render.ts', '../tools/launcher/settings.ts', /nginx may import/],
  ['tools/lib/ports.ts', '../launcher/settings.ts', /tools\/lib may import/],
  ['tools/lib/ports.ts', '../../prisma/connect.ts', /tools\/lib may import/],
  ['prisma/connect.ts', '../tools/lib/wait.ts', /prisma may import/],
  ['prisma/connect.ts', '../web/server/db/query.ts', /prisma may import/],
  ['deploy/compose/roll.ts', '../../tools/launcher/settings.ts', /deploy may import/],
  ['tools/launcher/start.ts', './testing/stub-stack.ts', /product code imports no test support/],
  ['web/server/db/log.ts', '../../testing/log-rows.ts', /product code imports no test support/],
  ['web/server/db/log.test.ts', './query.test.ts', /no module imports a test/],
  ['tools/bench/page/main.ts', '../../../e2e/with-stacks.ts', /nothing imports e2e/],
  ['tools/lib/wait.test.ts', '../../e2e/support/network.ts', /nothing imports e2e/],
  ['scripts/new.ts', '../web/shared/api.ts', /add its folder to the directions/],
]

for (const [from, path, why] of wrongOnes) {
  test(`${from} cannot import ${path}`, () => {
    const problems = problemsOf({ [from]: `import type { A } from '${path}'` })
    assert.equal(problems.length, 1)
    assert.match(problems[0] ?? '', why)
  })
}

test('the page, the server and the tools import what they may, and tests whatever they need', () => {
  const problems = problemsOf({
    'web/app/log/log-panel.tsx': `import '../ui/table.module.css'; import { A } from '../../shared/api.ts'`,
    'web/server/db/log.ts': `import { A } from '../../shared/api.ts'; import { B } from '../config.ts'`,
    'tools/launcher/start.ts': `import { A } from '../../nginx/render.ts'; import { B } from '../lib/wait.ts'`,
    'web/app/log/log-rows.test.ts': `import { A } from '../../testing/log-rows.ts'`,
    'web/testing/log-rows.ts': `import { A } from '../../prisma/testing/test-database.ts'`,
    'e2e/board.spec.ts': `import { A } from './support/network.ts'`,
  })
  assert.deepEqual(problems, [])
})

test('every kind of import is seen, and packages are left out', () => {
  const text = `
    import a, { type B } from './static.ts'
    import type { C } from './type.ts'
    import './side-effect.css'
    export type { D } from './exported.ts'
    export * from './all.ts'
    import { join } from 'node:path'
    type E = import('./in-type.ts').E
    async function f() {
      await using g = await import('./dynamic.ts')
      new Worker(new URL('./worker.ts', import.meta.url))
      new URL('../..', import.meta.url)
    }`
  const names = [
    'static.ts',
    'type.ts',
    'side-effect.css',
    'exported.ts',
    'all.ts',
    'in-type.ts',
    'dynamic.ts',
    'worker.ts',
  ]
  assert.deepEqual(
    new Set(importsOf('web/app/page.tsx', text)),
    new Set(names.map(name => `web/app/${name}`)),
  )
})

test('an import cycle is reported, also of types alone', () => {
  const problems = problemsOf({
    'web/shared/a.ts': `import { b } from './b.ts'`,
    'web/shared/b.ts': `import type { C } from './c.ts'`,
    'web/shared/c.ts': `export type { A } from './a.ts'`,
  })
  assert.deepEqual(problems, [
    'import cycle: web/shared/a.ts → web/shared/b.ts → web/shared/c.ts → web/shared/a.ts',
  ])
})

test('folders that import each other are reported with the imports, even where no module does', () => {
  const problems = problemsOf({
    'web/server/hits/hit.ts': `import { query } from '../db/query.ts'`,
    'web/server/db/query.ts': '',
    'web/server/db/log.ts': `import type { Hit } from '../hits/types.ts'`,
    'web/server/hits/types.ts': '',
  })
  assert.deepEqual(problems, [
    'folders import each other: web/server/hits → web/server/db → web/server/hits ' +
      '(web/server/hits/hit.ts → web/server/db/query.ts, web/server/db/log.ts → web/server/hits/types.ts)',
  ])
})

test('a folder and the one above it do not import each other either, tests aside', () => {
  const up = { 'web/server/db/log.ts': `import { config } from '../config.ts'`, 'web/server/config.ts': '' }
  assert.equal(problemsOf({ ...up, 'web/server/main.ts': `import './db/log.ts'` }).length, 1)
  assert.deepEqual(problemsOf({ ...up, 'web/server/main.test.ts': `import './db/log.ts'` }), [])
})
