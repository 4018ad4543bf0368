// `npm run licences`: the licences of all npm packages that package-lock.json names, and which packages have each. Exit status 1 if
// a package has none, or none that is accepted below.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'

/** Licences that require a notice at most. Other packages may be part of the image, and of what a visitor's browser gets. */
const accepted = new Set([
  ...['MIT', 'ISC', '0BSD', 'BSD-2-Clause', 'BSD-3-Clause', 'Apache-2.0', 'BlueOak-1.0.0', 'Unlicense'],
  'CC-BY-4.0',
])

/**
 * Weak copyleft: only changes to the package itself must be published, and nothing here changes them. Each is accepted for the
 * packages that match, so that another package needs a decision.
 */
const acceptedFor: [licence: string, packages: RegExp, why: string][] = [
  [
    'LGPL-3.0-or-later',
    /^@img\/sharp-/,
    'image library of Next, a separate shared library; the page has no images',
  ],
  ['LGPL-2.1-or-later', /^mariadb$/, 'driver of Prisma’s client, which only tests and Studio use'],
  ['MPL-2.0', /^(@axe-core\/playwright|axe-core)$/, 'accessibility tests only'],
  ['EPL-2.0', /^elkjs$/, 'part of Prisma Studio, a tool'],
]

/** Packages whose package.json names no licence; their file LICENSE does. */
const readByHand: Record<string, string> = { 'seq-queue': 'MIT' }

/** A package in the lockfile. `production`: `npm install --omit=dev` installs it too, so it may be in the image. */
type Package = { name: string; version: string; licence: string | null; production: boolean }

const lockfile = z.object({
  packages: z.record(
    z.string(),
    z.object({
      version: z.string().default(''),
      license: z.string().optional(),
      dev: z.boolean().default(false),
      devOptional: z.boolean().default(false),
      link: z.boolean().default(false),
    }),
  ),
})

/** The packages of a lockfile (https://docs.npmjs.com/cli/configuring-npm/package-lock-json), by name. */
export function readPackages(text: string): Package[] {
  return Object.entries(lockfile.parse(JSON.parse(text)).packages)
    .filter(([path, { link }]) => path !== '' && !link)
    .map(([path, { version, license, dev, devOptional }]) => {
      const name = path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length)
      return { name, version, licence: license ?? readByHand[name] ?? null, production: !dev && !devOptional }
    })
    .toSorted((a, b) => a.name.localeCompare(b.name))
}

/** What is wrong, a line a package; none if all licences are accepted. */
export function licenceProblems(packages: Package[]): string[] {
  return packages
    .filter(({ name, licence }) => !licence || !isAccepted(name, licence))
    .map(({ name, version, licence }) => `${name} ${version}: ${licence ?? 'names no licence'}`)
}

/**
 * Whether an SPDX expression leaves an accepted choice: one of the parts joined by OR, with all parts that AND joins. An expression
 * with inner parentheses is not accepted.
 */
function isAccepted(name: string, expression: string): boolean {
  const withoutParentheses = expression.replace(/^\(([^()]*)\)$/, '$1')
  const isKnown = (licence: string) =>
    accepted.has(licence) || acceptedFor.some(([known, packages]) => known === licence && packages.test(name))
  return withoutParentheses.split(/ or /i).some(choice => choice.split(/ and /i).every(isKnown))
}

/** The packages by licence, with the most used licence first. */
function listText(packages: Package[]): string {
  const byLicence = Object.entries(Object.groupBy(packages, ({ licence }) => licence ?? 'none'))
  return byLicence
    .map(([licence, found = []]) => ({ licence, names: [...new Set(found.map(({ name }) => name))] }))
    .toSorted((a, b) => b.names.length - a.names.length)
    .map(({ licence, names }) => `${licence} (${names.length}): ${names.join(', ')}`)
    .join('\n')
}

if (import.meta.main) {
  const packages = readPackages(readFileSync(join(import.meta.dirname, '../../package-lock.json'), 'utf8'))
  const [production, tools] = [true, false].map(side => packages.filter(each => each.production === side))
  console.log(
    `# Dependencies, which may be in the image\n${listText(production ?? [])}\n\n# Tools and tests\n${listText(tools ?? [])}`,
  )
  const problems = licenceProblems(packages)
  for (const problem of problems) console.error(`not accepted: ${problem}`)
  if (problems.length > 0) process.exitCode = 1
}
