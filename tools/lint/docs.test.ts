import assert from 'node:assert/strict'
import { existsSync, globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'

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
