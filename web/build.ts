import { spawnSync } from 'node:child_process'
import { cp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { build as bundle } from 'esbuild'

// `npm run build`: Next's standalone output, with the replica and the migrations inside it. What it leaves in
// web/.next/standalone runs with nothing else but Node: `node replica.mjs` and `node drain.mjs` in web/,
// `node migrate.mjs` in prisma/.

const root = join(import.meta.dirname, '..')
const standalone = join(root, 'web/.next/standalone')

await rm(standalone, { recursive: true, force: true })
const next = spawnSync(process.execPath, [join(root, 'node_modules/next/dist/bin/next'), 'build', 'web'], {
  cwd: root,
  stdio: 'inherit',
  env: { ...process.env, NODE_ENV: 'production', NEXT_TELEMETRY_DISABLED: '1' },
})
if (next.status !== 0) process.exit(next.status ?? 1)

await bundle({
  entryPoints: {
    'web/replica': join(root, 'web/server.ts'),
    'web/drain': join(root, 'web/drain/program.ts'),
    'prisma/migrate': join(root, 'prisma/migrate.ts'),
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
})
await cp(join(root, 'web/.next/static'), join(standalone, 'web/.next/static'), { recursive: true })
await cp(join(root, 'prisma/migrations'), join(standalone, 'prisma/migrations'), { recursive: true })
