import { spawnSync } from 'node:child_process'
import { cp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { bundleInto } from './bundle.ts'

// `npm run build`: Next's standalone output, with the replica and the migrations inside it. The result in web/.next/standalone
// needs only Node: `node replica.mjs` and `node drain.mjs` in web/, `node migrate.mjs` in prisma/.

const root = join(import.meta.dirname, '..')
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
