import { cp, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Plugin } from 'esbuild'
import { bundleInto } from '../../web/bundle.ts'
import { builtReplica, type ReplicaProgram } from '../launcher/stack/replica-program.ts'
import type { BrokenBuild } from './broken-builds.ts'

const root = join(import.meta.dirname, '..', '..')

/** Copies the last build into `folder` and makes the replica in the copy anew, with the edits. The sources stay as they are. */
export async function buildBroken({ edits }: BrokenBuild, folder: string): Promise<ReplicaProgram> {
  await cp(join(root, 'web/.next/standalone'), folder, { recursive: true, verbatimSymlinks: true })
  await bundleInto(folder, [edited(edits)])
  return { ...builtReplica(process.env), cwd: join(folder, 'web') }
}

function edited(edits: BrokenBuild['edits']): Plugin {
  return {
    name: 'edited',
    setup(build) {
      for (const [file, changes] of Map.groupBy(edits, edit => edit.file)) {
        const path = join(root, file)
        build.onLoad({ filter: new RegExp(`^${RegExp.escape(path)}$`) }, async () => {
          let contents = await readFile(path, 'utf8')
          for (const { from, to } of changes) {
            if (!contents.includes(from)) throw new Error(`${file} has no ${JSON.stringify(from)} any more`)
            contents = contents.replace(from, to)
          }
          return { contents, loader: 'ts' }
        })
      }
    },
  }
}
