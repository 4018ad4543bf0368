import { cp, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Plugin } from 'esbuild'
import { bundleInto } from '../../web/build.ts'
import { builtReplica, type ReplicaProgram, root, standalone } from '../launcher/stack/stack-options.ts'
import { connectionCut } from './list/network.ts'
import { replicaFrozenInBatch } from './list/replicas.ts'
import type { Fault } from './testbed/fault.ts'

/** A replica that breaks a promise on purpose, to test that the faults detect it */
type BrokenBuild = {
  name: string
  /** what is wrong with it */
  title: string
  /** passages of the sources and their replacements */
  edits: { file: string; from: string; to: string }[]
  /** SQL run on the database before the first fault */
  statements: string[]
  /** Each of these faults must detect it. */
  caughtBy: Fault[]
}

export const brokenBuilds: BrokenBuild[] = [
  {
    name: 'unique-key',
    title: 'recent_request has no unique key',
    edits: [],
    statements: ['ALTER TABLE recent_request DROP PRIMARY KEY, ADD INDEX (request_id)'],
    caughtBy: [replicaFrozenInBatch],
  },
  {
    name: 'early-answer',
    title: 'a page view is answered before its batch is committed',
    edits: [
      {
        file: 'web/server/db/page-view-numbers.ts',
        from: 'log, requests, end].join',
        to: 'log, requests].join',
      },
      { file: 'web/server/db/page-view-numbers.ts', from: '.at(-2)', to: '.at(-1)' },
      {
        file: 'web/server/db/hit-store.ts',
        from: '    connection.release()\n    return results\n',
        to: "    void connection.query('COMMIT').then(() => connection.release(), () => connection.destroy())\n    return results\n",
      },
    ],
    statements: [],
    caughtBy: [connectionCut],
  },
  {
    name: 'blind-retry',
    title: 'a batch is retried without a check of the log',
    edits: [
      {
        file: 'web/server/hits/commit-once.ts',
        from: '      if (attempt > 0) await settleKnown(batch, store, events)\n',
        to: '',
      },
    ],
    statements: [],
    caughtBy: [replicaFrozenInBatch, connectionCut],
  },
]

/** Copies the last build into `folder` and bundles the replica in the copy again, with the edits. The sources do not change. */
export async function buildBroken(
  { edits }: Pick<BrokenBuild, 'edits'>,
  folder: string,
): Promise<ReplicaProgram> {
  await cp(standalone, folder, { recursive: true, verbatimSymlinks: true })
  await bundleInto(folder, [edited(edits)])
  return { ...builtReplica(process.env), cwd: join(folder, 'web'), build: folder }
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
            if (!contents.includes(from)) throw new Error(`${file} no longer has ${JSON.stringify(from)}`)
            contents = contents.replace(from, to)
          }
          return { contents, loader: 'ts' }
        })
      }
    },
  }
}
