import { spawnSync } from 'node:child_process'
import { cp, readFile, rm, writeFile } from 'node:fs/promises'
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
 * loads Node's fetch and web sockets, 17 MB of memory that a replica does not need.
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

if (import.meta.main) {
  const standalone = join(root, 'web/.next/standalone')
  await rm(standalone, { recursive: true, force: true })
  const next = spawnSync(process.execPath, [join(root, 'node_modules/next/dist/bin/next'), 'build', 'web'], {
    cwd: root,
    stdio: 'inherit',
    env: { ...process.env, NODE_ENV: 'production', NEXT_TELEMETRY_DISABLED: '1' },
  })
  if (next.status !== 0) process.exit(next.status ?? 1)

  await bundleInto(standalone)
  await cp(join(root, 'web/.next/static'), join(standalone, 'web/.next/static'), { recursive: true })
  await cp(join(root, 'prisma/migrations'), join(standalone, 'prisma/migrations'), { recursive: true })
}
