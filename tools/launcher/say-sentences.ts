import { DatabaseUnreachable } from '../../prisma/connect.ts'
import { MigrationRefused } from '../../prisma/refused.ts'
import { DatabaseTrouble } from '../../web/server/error-code.ts'
import { DrainRefused } from '../../web/server/refused.ts'
import { StackFailure } from '../lib/stack-failure.ts'
import { DatabaseFailure } from './database-server/failure.ts'

const forThePerson = [
  StackFailure,
  DatabaseFailure,
  DatabaseUnreachable,
  MigrationRefused,
  DrainRefused,
  DatabaseTrouble,
]

/** Runs a command. A failure meant for the person is said as it is, any other with its stack; both exit with 1. */
export async function saySentences(command: () => Promise<void>): Promise<void> {
  try {
    await command()
  } catch (error) {
    process.exitCode = 1
    console.error(isForThePerson(error) ? `Balance Board: ${error.message}` : error)
  }
}

function isForThePerson(error: unknown): error is Error {
  return forThePerson.some(kind => error instanceof kind)
}
