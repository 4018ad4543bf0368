// Migrates a database, or resolves a failed migration (migrate-command.ts), where only the built replica is available:
//   DATABASE_URL=mysql://… node prisma/migrate.mjs
import { databaseUrlFrom } from '../web/server/config.ts'
import { migrateCommand } from './migrate-command.ts'

try {
  const { DATABASE_URL = '', DATABASE_PASSWORD_FILE } = process.env
  const databaseUrl = databaseUrlFrom(DATABASE_URL, DATABASE_PASSWORD_FILE)
  console.log(await migrateCommand(databaseUrl, process.argv.slice(2)))
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
}
