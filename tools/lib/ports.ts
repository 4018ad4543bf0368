import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { codeOf, UserError } from '../../web/server/errors.ts'

// Below the ports of outgoing connections (Linux from 32768, macOS from 49152), so that the port of a crashed service is still free
// when it is started again.
const first = 20_000
const count = 10_000

/** Free ports of 127.0.0.1, in the same order each time for the same folder. Bind soon: the ports are not reserved. */
export async function* freePorts(folder: string): AsyncGenerator<number, never> {
  const start = createHash('sha256').update(folder).digest().readUInt32BE() % count
  for (let step = 0; step < count; step++) {
    const port = first + ((start + step) % count)
    if (await isFree(port)) yield port
  }
  throw new UserError(`no port from ${first} to ${first + count - 1} is free on 127.0.0.1`)
}

/** Whether a process can listen on `port` of 127.0.0.1 now. */
export const isFree = async (port: number) => (await bind('127.0.0.1', port)) === null

/** @throws UserError with a remedy if no process can listen on `port` of `host`. `setting` is the variable of the port. */
export async function checkPort(host: string, port: number, setting?: string): Promise<void> {
  const error = await bind(host, port)
  if (error) throw portFailure(host, port, codeOf(error), setting)
}

/** Why a process cannot listen on a port, in one sentence. `code` is the system's error code. */
export function portFailure(host: string, port: number, code: string, setting = 'HTTP_PORT'): UserError {
  switch (code) {
    case 'EADDRINUSE':
      return new UserError(
        `port ${port} of ${host} is in use: stop the program that uses it, or set ${setting} to another port`,
      )
    case 'EACCES':
      return new UserError(`this user may not listen on port ${port}: set ${setting} to a port above 1023`)
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return new UserError(
        `${host} is not an address of this machine: set HTTP_HOST to an address of this machine`,
      )
    default:
      return new UserError(`cannot listen on port ${port} of ${host}: ${code}`)
  }
}

/** Binds and releases the port. @returns the error, or null */
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
