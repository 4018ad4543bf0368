import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { codeOf, UserError } from '../../web/server/errors.ts'

// Below the ports that systems give to outgoing connections (Linux from 32768, macOS from 49152): so the port of a part
// that died is still free when it is started again.
const first = 20_000
const count = 10_000

/** Ports of 127.0.0.1 that are free, always in the same order for the same folder. Bind soon: nothing holds them. */
export async function* freePorts(folder: string): AsyncGenerator<number, never> {
  const start = createHash('sha256').update(folder).digest().readUInt32BE() % count
  for (let step = 0; step < count; step++) {
    const port = first + ((start + step) % count)
    if (await isFree(port)) yield port
  }
  throw new UserError(`no port from ${first} to ${first + count - 1} is free on 127.0.0.1`)
}

/** Whether `port` of 127.0.0.1 can be listened on now. */
export const isFree = async (port: number) => (await bind('127.0.0.1', port)) === null

/** Throws UserError, with what to do, unless `port` of `host` can be listened on. */
export async function checkPort(host: string, port: number): Promise<void> {
  const error = await bind(host, port)
  if (error) throw portFailure(host, port, codeOf(error))
}

/** Why a port cannot be listened on, as one sentence. */
export function portFailure(host: string, port: number, code: string): UserError {
  switch (code) {
    case 'EADDRINUSE':
      return new UserError(
        `port ${port} of ${host} is in use: stop the program that uses it, or set HTTP_PORT to another`,
      )
    case 'EACCES':
      return new UserError(`this user may not listen on port ${port}: set HTTP_PORT to one above 1023`)
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return new UserError(`${host} is no address of this machine: set HTTP_HOST to one that is`)
    default:
      return new UserError(`port ${port} of ${host} cannot be listened on: ${code}`)
  }
}

/** Binds and lets go again; what went wrong, or null. */
async function bind(host: string, port: number): Promise<unknown> {
  const server = createServer()
  try {
    server.listen({ host, port, exclusive: true })
    await once(server, 'listening')
    return null
  } catch (error) {
    return error
  } finally {
    server.close()
  }
}
