import { join } from 'node:path'
import { build, type Plugin } from 'esbuild'

const root = join(import.meta.dirname, '..')

/** Puts the replica and the commands beside it, each one file with all it needs but Next, into Next's standalone output. */
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
    // Next finds its files beside itself; the rest is small and starts faster from one file.
    external: ['next'],
    // Libraries in CommonJS ask for Node's modules by `require`.
    banner: {
      js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);",
    },
    sourcemap: true,
    logLevel: 'warning',
    plugins,
  })
}
