import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { parseEnvironment } from '../../../web/server/config.ts'
import { databaseHitStore } from '../../../web/server/db/hit-store.ts'
import { openWritePool } from '../../../web/server/db/pools.ts'
import { registerServer } from '../../../web/server/db/servers.ts'
import { readHit } from '../../../web/server/hits/hit.ts'
import { HitQueue } from '../../../web/server/hits/hit-queue.ts'
import { ownAddress, srvIdOf } from '../../../web/server/identity.ts'
import { replicaKeepAliveMs } from '../../../web/shared/limits.ts'
import { parseSample } from '../harness/load.ts'

// The upper limit on this machine: the board's batches of hits, and a stored copy of its page, with nothing rendered.

const { host, port, databaseUrl, serverName, serverAddress } = parseEnvironment(process.env)
const { headers, body } = parseSample(readFileSync(process.env.PAGE_SAMPLE ?? '', 'utf8'))

const pool = openWritePool(databaseUrl)
const address = serverAddress ?? ownAddress(host, port)
const srvId = srvIdOf(address)
const { id } = await registerServer(pool, { srvId, address, name: serverName })
const queue = new HitQueue(databaseHitStore(pool, { id, srv_id: srvId }))

const server = createServer({ keepAliveTimeout: replicaKeepAliveMs }, async (request, response) => {
  // Health checks do not count.
  if (request.url?.startsWith('/health/')) return void response.end('ready\n')
  try {
    const { id } = await queue.submit(readHit(request))
    response.writeHead(200, [...headers.flat(), 'X-Hit', String(id), 'Content-Length', String(body.length)])
    response.end(body)
  } catch {
    response.writeHead(503).end()
  }
})
server.listen(port, host)

process.on('SIGTERM', () => {
  server.close(async () => {
    await queue.close()
    await pool.end()
  })
  server.closeIdleConnections()
})
