import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'

/** The folder of one private database, and what stands in it. */
export type Home = {
  folder: string
  /** the server's own data directory */
  files: string
  /** its temporary files: a server that starts clears this folder, and must not clear another's */
  temporary: string
  /** which program made `files`: MySQL and MariaDB cannot read each other's */
  madeBy: string
  password: string
  replicaPassword: string
  accounts: string
  port: string
  pid: string
  log: string
  previousLog: string
}

/** Makes the folder, for its owner alone, if it is not there. */
export async function openHome(folder: string): Promise<Home> {
  const temporary = join(folder, 'temporary')
  await mkdir(folder, { recursive: true, mode: 0o700 })
  await mkdir(temporary, { recursive: true })
  return {
    folder,
    files: join(folder, 'files'),
    temporary,
    madeBy: join(folder, 'made-by'),
    password: join(folder, 'password'),
    replicaPassword: join(folder, 'replica-password'),
    accounts: join(folder, 'accounts.sql'),
    port: join(folder, 'port'),
    pid: join(folder, 'pid'),
    log: join(folder, 'log'),
    previousLog: join(folder, 'log.previous'),
  }
}
