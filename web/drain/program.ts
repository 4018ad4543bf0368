import { databaseUrlFrom } from '../config/database-url.ts'
import { changeDrain } from './change-drain.ts'
import { parseDrainRequest } from './request.ts'

// For where only the built replica is, with a replica's environment: `node drain.mjs drain web-2`.

try {
  const { DATABASE_URL = '', DATABASE_PASSWORD_FILE } = process.env
  const request = parseDrainRequest(process.argv.slice(2))
  console.log(await changeDrain(databaseUrlFrom(DATABASE_URL, DATABASE_PASSWORD_FILE), request))
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
}
