import assert from 'node:assert/strict'
import { existsSync, globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { importProblems, importsOf } from './imports.ts'
import { licenceProblems, readPackages } from './licences.ts'

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
    'web/app/log/log-panel.tsx': `import '../ui/ui.module.css'; import { A } from '../../shared/api.ts'`,
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

const lockfileWith = (packages: Record<string, object>) =>
  readPackages(JSON.stringify({ packages: { '': { name: 'board', license: 'GPL-3.0-only' }, ...packages } }))

test('every package of this project has an accepted licence', () => {
  const packages = readPackages(readFileSync(join(import.meta.dirname, '../../package-lock.json'), 'utf8'))
  assert.ok(packages.some(({ name, licence }) => name === 'next' && licence === 'MIT'))
  assert.deepEqual(licenceProblems(packages), [])
})

for (const [license, isAccepted] of [
  ['MIT', true],
  ['MIT OR GPL-3.0-only', true],
  ['(GPL-2.0-only OR BSD-3-Clause)', true],
  ['MIT AND GPL-3.0-only', false],
  ['GPL-3.0-only', false],
  ['LGPL-3.0-or-later', false],
  ['(MIT OR GPL-2.0-only) AND AGPL-3.0-only', false],
  ['UNLICENSED', false],
  ['SEE LICENSE IN LICENSE.md', false],
  [undefined, false],
] as const) {
  test(`a package with ${license ?? 'no licence'} is ${isAccepted ? '' : 'not '}accepted`, () => {
    const problems = licenceProblems(
      lockfileWith({ 'node_modules/a/node_modules/@b/c': { version: '1.2.3', license } }),
    )
    assert.deepEqual(problems, isAccepted ? [] : [`@b/c 1.2.3: ${license ?? 'names no licence'}`])
  })
}

const root = join(import.meta.dirname, '../..')
const generated = /(^|\/)(node_modules|\.git|\.next|\.data[^/]*|test-results)$/
const files = globSync('**/*', { cwd: root, exclude: path => generated.test(path) })
const documents = [...files, ...globSync('.github/**/*', { cwd: root })].filter(file => file.endsWith('.md'))

/** Files that exist only in the image */
const builtInImage = ['prisma/migrate.mjs']

const read = (file: string) =>
  readFileSync(join(root, file), 'utf8').replaceAll(/https?:\/\/[^\s)]+/g, 'https:')

const capture = (text: string, pattern: RegExp) => [...text.matchAll(pattern)].map(([, found = '']) => found)

/** GitHub's fragments of a document's headings */
function fragmentsOf(document: string): string[] {
  return capture(read(document), /^#+ (.+)$/gm).map(heading =>
    heading
      .toLowerCase()
      .replaceAll(/[^\w\- ]/g, '')
      .replaceAll(' ', '-'),
  )
}

function leadsNowhere(document: string, link: string): boolean {
  if (/^(https:|mailto:)/.test(link)) return false
  const [path = '', fragment] = link.split('#')
  const target = path === '' ? document : join(dirname(document), path)
  if (!existsSync(join(root, target))) return true
  return fragment !== undefined && !fragmentsOf(target).includes(fragment)
}

const paths = /(?<![*\w/.@-])((?:[\w.@-]+\/)*[\w.@-]+\.(?:ts|tsx|mjs|sh|yml|md|template|envsh|css))(?![\w-])/g
const folders = /(?<![\w/.@-])((?:web|prisma|nginx|deploy|tools|e2e|docs)\/[\w./-]*\w)(?!\.?[\w#*{])/g

/** A path may be relative to the root or to the document's folder, or be the end of a path. */
function isMissing(document: string, path: string): boolean {
  if (builtInImage.includes(path) || existsSync(join(root, path))) return false
  if (existsSync(join(root, dirname(document), path))) return false
  return !files.some(file => file.endsWith(`/${path}`))
}

test('every relative link in the documents leads to an existing file and heading', () => {
  const broken = documents.flatMap(document => {
    const text = read(document)
    const links = [...capture(text, /\]\(([^)\s]+)\)/g), ...capture(text, /src(?:set)?="([^"]+)"/g)]
    return links.filter(link => leadsNowhere(document, link)).map(link => `${document}: ${link}`)
  })
  assert.ok(documents.includes('README.md'))
  assert.deepEqual(broken, [])
})

test('every path that a document names exists', () => {
  const missing = documents.flatMap(document => {
    const text = read(document)
    const named = new Set([...capture(text, paths), ...capture(text, folders)])
    return [...named].filter(path => isMissing(document, path)).map(path => `${document}: ${path}`)
  })
  assert.deepEqual(missing, [])
})
