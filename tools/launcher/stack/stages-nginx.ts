import { findNginx } from '../../../nginx/find-nginx.ts'
import { hungAfterMs as defaultHungAfterMs } from '../../lib/liveness.ts'
import { checkPort } from '../../lib/ports.ts'
import { StackFailure } from '../../lib/stack-failure.ts'
import { bringUp } from './bring-up.ts'
import { nginxUrl, startNginx } from './nginx.ts'
import type { ReplicaPlace } from './replica.ts'
import type { Site } from './site.ts'
import type { StackOptions } from './stack-options.ts'

const loopback = '127.0.0.1'

/** Throws StackFailure at once where NGINX could not be started later: known before anything else takes its time. */
export async function checkNginx(options: Pick<StackOptions, 'host' | 'port'>) {
  const program = await findNginx()
  if (!program) throw new StackFailure('there is no nginx on this machine')
  if (options.port) await checkPort(options.host ?? loopback, options.port)
  return program
}

/** Starts NGINX in front of `replicas`; returns the address of the board. */
export async function bringUpNginx(
  options: StackOptions,
  site: Site,
  program: Awaited<ReturnType<typeof checkNginx>>,
  replicas: ReplicaPlace[],
): Promise<string> {
  const {
    host = loopback,
    port = 0,
    stickySeconds = 300,
    limitPrivate = false,
    trustedProxies = [],
    nginxWorkers = 2,
  } = options
  const { hungAfterMs = defaultHungAfterMs } = options
  const settings = {
    program,
    folder: site.dataDir.nginx,
    host,
    port: port || (await site.freePort()),
    replicas,
    stickySeconds,
    limitPrivate,
    trustedProxies,
    hungAfterMs,
    workers: nginxWorkers,
    record: site.record,
    report: (text: string) => site.report('nginx', text),
  }
  const { kept } = await bringUp(
    'nginx',
    signal => startNginx(settings, signal),
    () => `${program.version}, ${program.native ? 'native' : 'map-based'} sticky cookie`,
    site,
  )
  site.undo.add(kept.stop)
  return nginxUrl(settings.host, settings.port)
}
