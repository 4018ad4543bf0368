import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'

/** The folder of one private database, and what stands in it. */
export type Home = {
  folder: string
  /** the server's own data directory */
  files: string
  /** which program made `files`: MySQL and MariaDB cannot read each other's */
  madeBy: string
  password: string
  accounts: string
  port: string
  pid: string
  log: string
  previousLog: string
}

/** Makes the folder, for its owner alone, if it is not there. */
export async function openHome(folder: string): Promise<Home> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  return {
    folder,
    files: join(folder, 'files'),
    madeBy: join(folder, 'made-by'),
    password: join(folder, 'password'),
    accounts: join(folder, 'accounts.sql'),
    port: join(folder, 'port'),
    pid: join(folder, 'pid'),
    log: join(folder, 'log'),
    previousLog: join(folder, 'log.previous'),
  }
}
