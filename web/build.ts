import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { cp, glob, readFile, rm, writeFile } from 'node:fs/promises'
import { builtinModules } from 'node:module'
import { join } from 'node:path'
import { build, type Plugin } from 'esbuild'

// `npm run build`: Next's standalone output, with the replica and the migrations inside it. The result in web/.next/standalone
// needs only Node: `node replica.mjs` and `node drain.mjs` in web/, `node migrate.mjs` in prisma/.

const root = join(import.meta.dirname, '..')

/** Bundles the replica, its commands and the exporter of NGINX's log into Next's standalone output, each as one file that contains everything but Next. */
export async function bundleInto(standalone: string, plugins: Plugin[] = []): Promise<void> {
  await build({
    // Entry points relative to it: esbuild would take a * in the path of this folder for a pattern.
    absWorkingDir: root,
    entryPoints: {
      'web/replica': './web/server/replica/main.ts',
      'web/next-thread': './web/server/render/next-thread.ts',
      'web/drain': './web/server/replica/drain-command.ts',
      'prisma/migrate': './prisma/migrate-main.ts',
      'monitoring/nginx-log-exporter': './monitoring/nginx-log-exporter/main.ts',
    },
    outdir: standalone,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    platform: 'node',
    target: 'node26',
    format: 'esm',
    // Next must find its files beside it. The rest is small and starts faster as one file.
    external: ['next'],
    // Libraries in CommonJS load Node's modules with `require`.
    banner: {
      js: "import { createRequire as requireFor } from 'node:module'; const require = requireFor(import.meta.url);",
    },
    sourcemap: true,
    legalComments: 'external',
    logLevel: 'warning',
    plugins: [...plugins, lazyBuiltins],
  })
  await Promise.all(['replica', 'next-thread'].map(name => makeAscii(join(standalone, 'web', `${name}.mjs`))))
}

/**
 * Imports Node's modules as `require` does. An import statement reads everything that a module exports: with `node:http` that
 * loads Node's fetch and web sockets, 2 MB of heap that a replica does not need.
 */
const lazyBuiltins: Plugin = {
  name: 'lazy builtins',
  setup(bundle) {
    const names = builtinModules.flatMap(name => (name.startsWith('node:') ? name : [name, `node:${name}`]))
    const namespace = 'node builtin'
    bundle.onResolve({ filter: /^[a-z_:/]+$/ }, ({ path, kind }) =>
      kind === 'import-statement' && names.includes(path) ? { path, namespace } : null,
    )
    bundle.onLoad({ filter: /./, namespace }, ({ path }) => ({
      contents: `module.exports = process.getBuiltinModule(${JSON.stringify(path)})`,
    }))
  },
}

/**
 * V8 keeps a source with two bytes for each character if one of them needs it. esbuild leaves such characters in comments, and in
 * regular expressions, which stay.
 */
async function makeAscii(file: string): Promise<void> {
  const source = await readFile(file, 'utf8')
  const ascii = source.replaceAll(/^ *\/\/.*$/gm, comment => comment.replaceAll(/[\u0080-\uffff]/g, '?'))
  await writeFile(file, ascii)
}

/**
 * Goes into the short names of classes, and into Next's names of files: browsers keep files for a year. If the build says that two
 * classes get the same name, or names are made in another way, change it.
 */
const nameSalt = '2'

/** A class of a CSS module as Next names it: a hash of the module's path, "_", the class. */
const longName = /(?<![\w-])_?[\w-]{6}_[a-zA-Z]\w*(?![\w-])/g

/**
 * Shortens the names of the CSS modules' classes in `folder`, Next's build, which has no setting for that. A name depends only on
 * Next's name: so a file with the same name has the same content in every build.
 */
async function shortenClassNames(folder: string): Promise<void> {
  const files: { path: string; text: string }[] = []
  for await (const file of glob(['static/**/*.{js,css}', 'server/**/*.js'], { cwd: folder })) {
    const path = join(folder, file)
    files.push({ path, text: await readFile(path, 'utf8') })
  }
  const styles = files.filter(({ path }) => path.endsWith('.css')).map(({ text }) => text)
  const classes = new Set(styles.join().match(longName))
  const shortNames = new Map([...classes].map(name => [name, shortName(name)]))
  if (new Set(shortNames.values()).size < classes.size)
    throw new Error('two classes get the same short name: change nameSalt in web/build.ts')
  for (const { path, text } of files) {
    const short = text.replace(longName, name => shortNames.get(name) ?? name)
    if (short !== text) await writeFile(path, short)
  }
}

/** Three characters, of which the first may begin a class's name. None is "ads" or the like: blockers hide elements of such classes. */
function shortName(name: string): string {
  const digest = createHash('sha256').update(`${nameSalt} ${name}`).digest('base64')
  return /[b-zB-Z][a-zA-Z\d]{2}/.exec(digest)?.[0] ?? name
}

if (import.meta.main) {
  const standalone = join(root, 'web/.next/standalone')
  await rm(standalone, { recursive: true, force: true })
  const next = spawnSync(process.execPath, [join(root, 'node_modules/next/dist/bin/next'), 'build', 'web'], {
    cwd: root,
    stdio: 'inherit',
    env: { ...process.env, NODE_ENV: 'production', NEXT_TELEMETRY_DISABLED: '1', NEXT_HASH_SALT: nameSalt },
  })
  if (next.status !== 0) process.exit(next.status ?? 1)

  await bundleInto(standalone)
  await cp(join(root, 'web/.next/static'), join(standalone, 'web/.next/static'), { recursive: true })
  await shortenClassNames(join(standalone, 'web/.next'))
  await cp(join(root, 'prisma/migrations'), join(standalone, 'prisma/migrations'), { recursive: true })
}
