// What the machine allows: the board's own batches of hits, and an answer of as many bytes as its page, with nothing made.
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { databaseHitStore } from '../../../web/server/db/hit-store.ts'
import { openWritePool } from '../../../web/server/db/pools.ts'
import { registerServer } from '../../../web/server/db/register-server.ts'
import { parseEnvironment } from '../../../web/server/environment.ts'
import { HitQueue } from '../../../web/server/hits/hit-queue.ts'
import { readHit } from '../../../web/server/http/page-view-request.ts'
import { ownAddress } from '../../../web/server/own-address.ts'
import { srvIdOf } from '../../../web/server/srv-id.ts'
import { parseSample } from './page-sample.ts'

const { host, port, databaseUrl, serverName, serverAddress } = parseEnvironment(process.env)
const { headers, body } = parseSample(readFileSync(process.env.PAGE_SAMPLE ?? '', 'utf8'))

const pool = openWritePool(databaseUrl)
const address = serverAddress ?? ownAddress(host, port)
const srvId = srvIdOf(address)
const { id } = await registerServer(pool, { srvId, address, name: serverName })
const queue = new HitQueue(databaseHitStore(pool, { id, srv_id: srvId }))

const server = createServer({ keepAliveTimeout: 75_000 }, async (request, response) => {
  // What watches it asks too, and no page view is counted for that.
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
