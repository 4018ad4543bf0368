// HAProxy in front of the nodes, as docs/database.md describes it: one node gets all connections, the others take over in order.
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { UserError } from '../../web/server/errors.ts'
import { findProgram } from '../install/programs.mjs'
import { spawnService } from '../launcher/stack/supervise.ts'
import type { Node } from './nodes.ts'

/** Ports of the proxy: each leads to one node while that is healthy. */
export type FailoverProxy = AsyncDisposable & {
  /** every replica's connections go to the same node: the first that is healthy */
  oneWriter: number
  /** one port for each node: that node, else the next one */
  writers: number[]
}

export async function startProxy(
  folder: string,
  nodes: Node[],
  freePort: () => Promise<number>,
  signal: AbortSignal,
): Promise<FailoverProxy> {
  const program = findProgram('haproxy')
  if (!program) throw new UserError('HAProxy is not installed on this machine')
  const oneWriter = await freePort()
  const writers: number[] = []
  for (const _node of nodes) writers.push(await freePort())
  const ready = await freePort()
  const file = join(folder, 'haproxy.cfg')
  await writeFile(
    file,
    [
      ...['global', '  maxconn 500', 'defaults', '  mode tcp', '  timeout connect 1s', '  timeout check 1s'],
      // The database closes silent connections itself.
      ...['  timeout client 1h', '  timeout server 1h'],
      ...listen('one-writer', oneWriter, nodes),
      ...writers.flatMap((port, index) =>
        listen(`writer-${index + 1}`, port, [...nodes.slice(index), ...nodes.slice(0, index)]),
      ),
      ...['frontend ready', `  bind 127.0.0.1:${ready}`, '  mode http', '  http-request return status 200'],
      '',
    ].join('\n'),
  )
  const service = await spawnService(
    {
      name: 'haproxy',
      program,
      arguments: ['-db', '-f', file],
      cwd: folder,
      environment: process.env,
      log: join(folder, 'haproxy.log'),
      record: { add() {}, remove() {} },
      readyUrl: `http://127.0.0.1:${ready}/`,
      readyWithin: 10_000,
      liveness: null,
      endings: [['SIGTERM', 5000]],
    },
    signal,
  )
  return { oneWriter, writers, [Symbol.asyncDispose]: service.stop }
}

/** The first node is used; the others are `backup`, in order. Sessions end when their node is marked as down. */
function listen(name: string, port: number, nodes: Node[]): string[] {
  return [
    ...[`listen ${name}`, `  bind 127.0.0.1:${port}`, '  option httpchk GET /'],
    '  default-server check inter 300ms fall 2 rise 3 on-marked-down shutdown-sessions',
    ...nodes.map(
      (node, index) =>
        `  server ${node.name} 127.0.0.1:${node.port} port ${node.healthPort}${index > 0 ? ' backup' : ''}`,
    ),
  ]
}
