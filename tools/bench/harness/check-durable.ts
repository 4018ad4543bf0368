import { z } from 'zod'
import { StackFailure } from '../../lib/stack-failure.ts'
import { askForRow } from './ask-database.ts'

const settings = z.object({ flush: z.number() })

/** Throws StackFailure unless a commit is on disk before it is answered. */
export async function checkDurable(databaseUrl: string): Promise<void> {
  const { flush } = await askForRow(databaseUrl, settings, 'SELECT @@innodb_flush_log_at_trx_commit AS flush')
  if (flush !== 1)
    throw new StackFailure(`innodb_flush_log_at_trx_commit is ${flush}: commits are not durable`)
}
