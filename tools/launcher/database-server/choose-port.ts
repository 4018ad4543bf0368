import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { DatabaseFailure } from './failure.ts'

/** The port asked for; else the one of last time, so that replicas reconnect; else any free one. */
export async function choosePort(asked: number | undefined, rememberedIn: string): Promise<number> {
  if (asked !== undefined) {
    if (await takePort(asked)) return asked
    throw new DatabaseFailure(`cannot start the database: port ${asked} is taken by another program`)
  }
  const remembered = Number(await readFile(rememberedIn, 'utf8').catch(() => 0))
  const port = (await takePort(remembered)) ?? (await takePort(0))
  if (port === null) throw new DatabaseFailure('cannot start the database: no port is free on 127.0.0.1')
  return port
}

/** Binds and lets go again; 0 = any. Null where it is not free. */
async function takePort(port: number): Promise<number | null> {
  const server = createServer()
  try {
    server.listen(port, '127.0.0.1')
    await once(server, 'listening')
    const address = server.address()
    return typeof address === 'object' && address ? address.port : null
  } catch {
    return null
  } finally {
    server.close()
  }
}
