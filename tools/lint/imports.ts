// Part of `npm run lint`: reads every import of the project, type imports included, and reports those that `directions`
// does not allow, import cycles, and folders that import each other.
import { globSync, readFileSync } from 'node:fs'
import { join, posix } from 'node:path'
import { parseSync, Visitor } from 'oxc-parser'
import { z } from 'zod'

/**
 * Which code may import which. The first line that matches a module applies to it; a path covers everything below it. A
 * module may always import its own area, which is the path its line starts with.
 */
const directions: [area: string, mayImport: string[]][] = [
  ['web/shared', []],
  ['web/app', ['web/shared']],
  ['web/server', ['web/shared', 'package.json']],
  ['web/build.ts', []],
  ['prisma/studio.ts', ['prisma', 'web/server/config.ts', 'web/server/errors.ts', 'tools/lib']],
  ['prisma', ['web/server/config.ts', 'web/server/errors.ts']],
  ['monitoring/nginx-log-exporter', ['web/server/errors.ts', 'web/server/metrics/histogram.ts']],
  [
    'nginx',
    [
      'web/shared',
      'web/server/identity.ts',
      'web/server/errors.ts',
      'tools/lib',
      'tools/install/programs.mjs',
    ],
  ],
  ['deploy', ['web/server', 'web/shared', 'tools/lib']],
  ['monitoring/grafana', []],
  ['tools/install', []],
  ['tools/lint', []],
  ['tools/lib', ['web/server', 'web/shared', 'tools/install/programs.mjs']],
  [
    'tools/launcher',
    [
      ...['web/server', 'web/shared', 'prisma', 'nginx', 'deploy', 'tools/lib'],
      ...['tools/install/programs.mjs', 'tools/install/system-packages.mjs'],
    ],
  ],
  // It explains the very queries that the tests count rows of.
  ['tools/bench/explain.ts', ['tools/bench', 'web/server', 'web/testing', 'prisma/testing']],
  ['tools/bench', ['web/server', 'web/shared', 'prisma', 'nginx', 'tools/lib', 'tools/launcher']],
  ['tools/faults', ['web/server', 'web/shared', 'web/build.ts', 'tools/lib', 'tools/launcher']],
  [
    'tools/fuzz',
    [
      'web/server',
      'nginx',
      'nginx/testing',
      'tools/faults/testbed',
      'tools/faults/trial',
      'tools/launcher',
      'tools/lib',
    ],
  ],
  [
    'tools/cluster',
    ['web/server', 'prisma', 'tools/faults', 'tools/launcher', 'tools/lib', 'tools/install/programs.mjs'],
  ],
  [
    'tools/screenshots.ts',
    ['web/server', 'web/shared', 'tools/bench', 'tools/launcher', 'tools/lib', 'tools/install/programs.mjs'],
  ],
  ['next.config.ts', []],
  ['prisma.config.ts', []],
]

/** Each module's path from the project's root, and the paths it imports. */
type Imports = ReadonlyMap<string, readonly string[]>

const literal = z.object({ value: z.string() })

/** Tests and what serves only them. */
const isTest = (path: string) =>
  /^e2e\/|\/testing(\/|\.ts$)/.test(path) || /\.(test|spec|compose-test|swarm-test)\.tsx?$/.test(path)

const covers = (area: string, path: string) => path === area || path.startsWith(`${area}/`)

/** What is wrong with the imports, a line a problem; none when all is well. */
export function importProblems(imports: Imports): string[] {
  const ofProduct = new Map([...imports].filter(([path]) => !isTest(path)))
  return [
    ...[...imports].flatMap(([from, to]) => to.flatMap(path => wrongDirection(from, path) ?? [])),
    ...cycles(imports).map(cycle => `import cycle: ${cycle.join(' → ')}`),
    ...cycles(foldersOf(ofProduct)).map(
      cycle => `folders import each other: ${withImports(cycle, ofProduct)}`,
    ),
  ]
}

function wrongDirection(from: string, to: string): string | undefined {
  const wrong = (why: string) => `${from} imports ${to}: ${why}`
  if (/\.(test|spec|compose-test|swarm-test)\.tsx?$/.test(to)) return wrong('no module imports a test')
  if (covers('e2e', to)) return covers('e2e', from) ? undefined : wrong('nothing imports e2e')
  if (isTest(from)) return undefined
  const direction = directions.find(([area]) => covers(area, from))
  if (!direction) return wrong('add its folder to the directions in tools/lint/imports.ts')
  const [area, mayImport] = direction
  if (isTest(to) && !mayImport.some(allowed => isTest(`${allowed}/`) && covers(allowed, to)))
    return wrong('product code imports no test support')
  const allowed = [area, ...mayImport].some(path => covers(path, to))
  return allowed ? undefined : wrong(`${area} may import ${mayImport.join(', ') || 'nothing else'}`)
}

function foldersOf(imports: Imports): Imports {
  const folders = new Map<string, string[]>()
  for (const [from, to] of imports) {
    const folder = posix.dirname(from)
    const others = to.map(path => posix.dirname(path)).filter(other => other !== folder)
    folders.set(folder, [...(folders.get(folder) ?? []), ...others])
  }
  return folders
}

/** Cycles among the imports, each once: its members in order, and the first one again. */
function cycles(imports: Imports): string[][] {
  const found: string[][] = []
  const done = new Set<string>()
  const visit = (path: string, trail: string[]) => {
    if (trail.includes(path)) found.push([...trail.slice(trail.indexOf(path)), path])
    if (done.has(path) || trail.includes(path)) return
    for (const next of new Set(imports.get(path))) visit(next, [...trail, path])
    done.add(path)
  }
  for (const path of imports.keys()) visit(path, [])
  return found
}

/** A cycle of folders, with an import for each step. */
function withImports(cycle: string[], imports: Imports): string {
  const steps = cycle.slice(1).map((folder, index) => {
    for (const [from, to] of imports) {
      const path = to.find(path => posix.dirname(path) === folder && posix.dirname(from) === cycle[index])
      if (path) return `${from} → ${path}`
    }
    return folder
  })
  return `${cycle.join(' → ')} (${steps.join(', ')})`
}

/** The paths that a module imports: values and types, static and dynamic, and workers by their URL. Packages are left out. */
export function importsOf(path: string, text: string): string[] {
  const { program, errors } = parseSync(path, text)
  if (errors[0]) throw new Error(`${path}: ${errors[0].message}`)
  const sources: unknown[] = []
  const add = ({ source }: { source: unknown }) => sources.push(source)
  new Visitor({
    ImportDeclaration: add,
    ExportNamedDeclaration: add,
    ExportAllDeclaration: add,
    ImportExpression: add,
    TSImportType: add,
    NewExpression: ({ callee, arguments: [source, base] }) => {
      if (callee.type === 'Identifier' && callee.name === 'URL' && base) sources.push(source)
    },
  }).visit(program)
  const named = sources.map(source => literal.safeParse(source).data?.value ?? '')
  return [...new Set(named.filter(name => /^\.\.?\/.*\.\w+$/.test(name)))].map(name =>
    posix.join(posix.dirname(path), name),
  )
}

/** Reads all sources of the project, and nothing that is installed or generated. */
function readImports(root: string): Imports {
  const isGenerated = (path: string) =>
    /(^|\/)(\.[^/]*|node_modules|prisma\/client|next-env\.d\.ts)$/.test(path)
  const paths = globSync('**/*.{ts,tsx,mjs}', { cwd: root, exclude: isGenerated })
  return new Map(paths.map(path => [path, importsOf(path, readFileSync(join(root, path), 'utf8'))]))
}

if (import.meta.main) {
  const problems = importProblems(readImports(join(import.meta.dirname, '../..')))
  for (const problem of problems) console.error(problem)
  if (problems.length > 0) process.exitCode = 1
}
