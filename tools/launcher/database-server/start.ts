import { writeFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { accountStatements } from '../../lib/database-accounts.ts'
import { choosePort } from './choose-port.ts'
import { DatabaseFailure, failureInFolder } from './failure.ts'
import { type DatabaseServer, findDatabaseServer } from './find-server.ts'
import { type Home, openHome } from './home.ts'
import { initialise } from './initialise.ts'
import { launch, type RunningDatabase } from './launch.ts'
import { keepPassword } from './password.ts'
import type { Size, Tls } from './server-arguments.ts'
import { findStray } from './stray.ts'

export type StartOptions = {
  /** folder for the database's files, made on first start; nothing else belongs in it */
  dataDir: string
  /** default: the one of last time if it is free, else any free one */
  port?: number
  /** default: normal, 256 MB of buffer pool */
  size?: Size
  /** lets the owner's account make databases of its own; default: no */
  everything?: boolean
  /** default: the server takes no encrypted connections, which on this machine protect nothing */
  tls?: Tls
  /** variables of the server besides those of this process */
  environment?: Record<string, string>
  /** how long recovery and start may take, in ms; default: two minutes */
  readyWithin?: number
}

/**
 * A private MySQL or MariaDB as a plain process of the current user, on 127.0.0.1 and a socket.
 * The system's service, its option files and its data are not touched. Throws DatabaseFailure.
 */
export async function startDatabase(options: StartOptions): Promise<RunningDatabase> {
  const server = await findDatabaseServer()
  if (!server) throw new DatabaseFailure('there is no mariadbd and no mysqld on this machine')
  const folder = resolve(options.dataDir)
  try {
    return await startIn(await openHome(folder), server, options)
  } catch (error) {
    throw failureInFolder(folder, error)
  }
}

async function startIn(home: Home, server: DatabaseServer, options: StartOptions): Promise<RunningDatabase> {
  const { size = 'normal', everything = false, environment = {}, readyWithin = 120_000, tls } = options
  await refuseWhileInUse(home)
  await initialise(server, home, size)
  const passwords = {
    owner: await keepPassword(home.password),
    replica: await keepPassword(home.replicaPassword),
  }
  await writeFile(home.accounts, accountStatements(passwords, { host: '127.0.0.1', everything }), {
    mode: 0o600,
  })
  const port = await choosePort(options.port, home.port)
  const database = await launch(server, home, { port, passwords, size, tls, environment, readyWithin })
  await writeFile(home.port, `${port}\n`)
  return database
}

async function refuseWhileInUse(home: Home): Promise<void> {
  const pid = await findStray(home)
  if (pid !== null) throw new DatabaseFailure(`the database in ${home.folder} is in use by process ${pid}`)
}
