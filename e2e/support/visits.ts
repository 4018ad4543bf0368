import { randomBytes } from 'node:crypto'
import type { PrismaClient } from '../../prisma/client/client.ts'

/** Visits of one server, from these addresses in turn. */
export type VisitsOf = { server: string; count: number; clientIps: string[] }

/**
 * Counts and logs them as a replica would, in one transaction: all figures go on to agree.
 * @returns the last one's number
 */
export async function addVisits(witness: PrismaClient, visits: VisitsOf[]): Promise<number> {
  return witness.$transaction(
    async tx => {
      let last = 0
      for (const { server: name, count, clientIps } of visits) {
        const { value } = await tx.globalCounter.update({
          where: { id: 1 },
          data: { value: { increment: count } },
        })
        const server = await tx.server.findFirstOrThrow({ where: { name }, orderBy: { id: 'desc' } })
        await tx.server.update({ where: { id: server.id }, data: { hits: { increment: count } } })
        const at = new Date()
        await tx.accessLog.createMany({
          data: Array.from({ length: count }, (_, index) => ({
            id: value - BigInt(count - 1 - index),
            createdAt: at,
            clientIp: clientIps[index % clientIps.length] ?? '',
            srvId: server.srvId,
            serverId: server.id,
            cookieSrvId: index % 3 === 0 ? null : server.srvId,
            requestId: randomBytes(16).toString('hex'),
          })),
        })
        const minute = new Date(Math.floor(at.getTime() / 60_000) * 60_000)
        await tx.serverMinute.upsert({
          where: { minute_serverId: { minute, serverId: server.id } },
          create: { minute, serverId: server.id, hits: count },
          update: { hits: { increment: count } },
        })
        last = Number(value)
      }
      return last
    },
    { timeout: 30_000 },
  )
}
