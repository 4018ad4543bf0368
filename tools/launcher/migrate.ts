// `npm run migrate`: migrates a database to this code's schema, or marks a failed migration (prisma/migrate-command.ts). Uses
// DATABASE_URL, else the database in DATA_DIR, which it starts if no stack runs there.
import { findDatabaseUrl } from '../../prisma/connect.ts'
import { migrateCommand } from '../../prisma/migrate-command.ts'
import { loadEnvironment, saySentences } from '../lib/terminal.ts'
import { startDatabase } from './database-server/start.ts'
import { loadDataDir } from './settings.ts'
import { dataDirAt } from './stack/data-dir.ts'

await saySentences(async () => {
  const words = process.argv.slice(2)
  const dataDir = loadDataDir()
  const url = await findDatabaseUrl({ ...loadEnvironment(), DATA_DIR: dataDir })
  if (url !== null) {
    console.log(await migrateCommand(url, words))
    return
  }
  const database = await startDatabase({ dataDir: dataDirAt(dataDir).database })
  try {
    console.log(await migrateCommand(database.url, words))
  } finally {
    await database.stop()
  }
})
