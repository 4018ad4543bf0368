// `npm run migrate`: brings a database to this code's schema, or marks what failed (prisma/migrate-command.ts). The database
// is that of DATABASE_URL, else that of the stack that runs on DATA_DIR; where none runs, it is started for it.
import { findDatabaseUrl } from '../../prisma/connect.ts'
import { migrateCommand } from '../../prisma/migrate-command.ts'
import { loadEnvironment } from '../lib/environment.ts'
import { saySentences } from '../lib/terminal.ts'
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
