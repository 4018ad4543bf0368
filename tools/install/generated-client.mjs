import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { CannotInstall } from './cannot-install.mjs'
import { alone } from './one-at-a-time.mjs'
import { pinnedNode } from './pinned-node.mjs'

/** Has Prisma write prisma/client, unless it was made from this schema by this Prisma. Needs no network. */
export function generateClient(root) {
  if (isGenerated(root)) return
  alone(root, () => {
    if (isGenerated(root)) return
    console.log('Generating the database client …')
    runPrisma(root)
    mkdirSync(dirname(stampOf(root)), { recursive: true })
    writeFileSync(stampOf(root), sourceOf(root))
  })
}

const stampOf = root => join(root, 'node_modules', '.cache', 'balance-board', 'prisma-client')

function isGenerated(root) {
  const client = join(root, 'prisma', 'client', 'client.ts')
  return (
    existsSync(client) && existsSync(stampOf(root)) && readFileSync(stampOf(root), 'utf8') === sourceOf(root)
  )
}

/** What the client is made of: the schema, and Prisma's own version. */
function sourceOf(root) {
  const schema = readFileSync(join(root, 'prisma', 'schema.prisma'))
  const prisma = readFileSync(join(root, 'node_modules', 'prisma', 'package.json'))
  return createHash('sha256').update(schema).update(prisma).digest('hex')
}

function runPrisma(root) {
  const node = existsSync(pinnedNode(root)) ? pinnedNode(root) : process.execPath
  const prisma = join(root, 'node_modules', 'prisma', 'build', 'index.js')
  const env = {
    ...process.env,
    // The engine is not used here, but the CLI downloads it unless this names a file that exists.
    PRISMA_SCHEMA_ENGINE_BINARY: process.env.PRISMA_SCHEMA_ENGINE_BINARY ?? join(root, 'package.json'),
    PRISMA_HIDE_UPDATE_MESSAGE: '1',
    CHECKPOINT_DISABLE: '1',
  }
  const { status, stdout, stderr } = spawnSync(node, [prisma, 'generate'], {
    cwd: root,
    env,
    encoding: 'utf8',
  })
  if (status !== 0) throw new CannotInstall(`prisma generate failed:\n${stdout}${stderr}`)
}
