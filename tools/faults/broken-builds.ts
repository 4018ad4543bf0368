import type { Fault } from './fault.ts'
import { connectionCut } from './list/connection-cut.ts'
import { replicaFrozenInBatch } from './list/replica-frozen-in-batch.ts'

/** A replica that breaks a promise on purpose, to see that the faults find it. */
export type BrokenBuild = {
  name: string
  /** what is wrong with it */
  title: string
  /** passages of the sources and what stands in their place */
  edits: { file: string; from: string; to: string }[]
  /** what is done to the database's tables */
  statements: string[]
  /** the faults of which each must find it */
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
      { file: 'web/server/db/commit-hits.ts', from: '    end,\n', to: '' },
      { file: 'web/server/db/commit-hits.ts', from: '.at(-2)', to: '.at(-1)' },
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
    title: 'a batch is written again without a look at what is in the log',
    edits: [
      {
        file: 'web/server/hits/commit-once.ts',
        from: '      if (attempt > 0) await settleKnown(batch, store)\n',
        to: '',
      },
    ],
    statements: [],
    caughtBy: [replicaFrozenInBatch, connectionCut],
  },
]
