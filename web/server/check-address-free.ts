import { once } from 'node:events'
import { createServer } from 'node:net'

/** @throws EADDRINUSE and the like, before anything is begun that would have to be undone */
export async function checkAddressFree(host: string, port: number): Promise<void> {
  const probe = createServer().listen(port, host)
  await once(probe, 'listening')
  probe.close()
  await once(probe, 'close')
}
