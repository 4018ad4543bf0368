import { join } from 'node:path'
import { build, type Plugin } from 'esbuild'

const root = join(import.meta.dirname, '..')

/** Bundles the replica and its commands into Next's standalone output, each as one file that contains everything but Next. */
export async function bundleInto(standalone: string, plugins: Plugin[] = []): Promise<void> {
  await build({
    entryPoints: {
      'web/replica': join(root, 'web/server/replica/main.ts'),
      'web/next-thread': join(root, 'web/server/render/next-thread.ts'),
      'web/drain': join(root, 'web/server/replica/drain-command.ts'),
      'prisma/migrate': join(root, 'prisma/migrate-main.ts'),
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
      js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);",
    },
    sourcemap: true,
    logLevel: 'warning',
    plugins,
  })
}
