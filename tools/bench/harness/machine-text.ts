import { availableParallelism, cpus, totalmem } from 'node:os'
import { findNginx } from '../../../nginx/find-nginx.ts'
import { findDatabaseServer } from '../../launcher/database-server/find-server.ts'

/** What all of it ran on, in one line. */
export async function machineText(): Promise<string> {
  const [nginx, database] = await Promise.all([findNginx(), findDatabaseServer()])
  const gigabytes = Math.round(totalmem() / 1e9)
  return [
    `${availableParallelism()} cores (${cpus()[0]?.model.trim() || 'unknown'}), ${gigabytes} GB`,
    `Node ${process.versions.node}`,
    `NGINX ${nginx?.version}, ${nginx?.native ? 'native' : 'map-based'} sticky cookie`,
    `${database?.flavour} ${database?.version}`,
  ].join('; ')
}
