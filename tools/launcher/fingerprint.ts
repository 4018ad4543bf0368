import { createHash } from 'node:crypto'
import { glob, readFile } from 'node:fs/promises'
import { join, relative } from 'node:path'

// All that the build's output is made of.
const sources = [
  'web/**/*',
  'prisma/*.{ts,prisma}',
  'prisma/migrations/**/*',
  'next.config.ts',
  'tsconfig.json',
  'package.json',
  'package-lock.json',
]

/** Of a name or a path: what the build writes itself, and tests. */
const isLeftOut = (path: string) => /(^|\/)(\.next|client)(\/|$)|\.test\.tsx?$|next-env\.d\.ts$/.test(path)

/** A hash of every source under `root`, names and contents. By content: a checkout changes times. */
export async function fingerprint(root: string): Promise<string> {
  const files: string[] = []
  const exclude = ({ name }: { name: string }) => isLeftOut(name) // else it would walk through all of .next
  for await (const entry of glob(sources, { cwd: root, withFileTypes: true, exclude })) {
    if (entry.isFile()) files.push(relative(root, join(entry.parentPath, entry.name)))
  }
  const hash = createHash('sha256')
  for (const path of files.filter(path => !isLeftOut(path)).sort()) {
    const content = createHash('sha256').update(await readFile(join(root, path)))
    hash.update(`${content.digest('hex')} ${path}\n`)
  }
  return hash.digest('hex')
}
