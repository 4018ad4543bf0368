import { hungAfterMs as defaultHungAfterMs } from '../../lib/liveness.ts'
import { bringUp } from './bring-up.ts'
import type { KeptPart } from './keep-running.ts'
import { type ReplicaPlace, type ReplicaSettings, replicaPlace, startReplica } from './replica.ts'
import type { RunningPart } from './running-part.ts'
import type { Site } from './site.ts'
import type { Report, StackOptions } from './stack-options.ts'

/** Starts all replicas at once and resolves when every one is ready; returns where they are. */
export async function bringUpReplicas(
  options: StackOptions,
  site: Site,
  databaseUrl: string,
): Promise<ReplicaPlace[]> {
  const shared = settingsFor(options, site, databaseUrl)
  const places: ReplicaPlace[] = []
  for (let n = 1; n <= options.replicas; n++) places.push(replicaPlace(n, await site.freePort()))

  const running: KeptPart[] = []
  site.undo.add(async () => void (await Promise.all(running.map(kept => kept.stop()))))
  const starts = places.map(async place => {
    const variables = await options.replicaVariables?.(place.name, databaseUrl)
    const settings = { ...shared, variables: variables ?? {} }
    const start = (signal: AbortSignal) => startPatiently(place, settings, site.report, signal)
    const { kept } = await bringUp(place.name, start, () => place.address, site)
    running.push(kept)
  })
  // All are waited for before a failure is told, so that none is started after the others were stopped.
  await Promise.allSettled(starts)
  await Promise.all(starts)
  return places
}

/** A replica gives up when the database lets it wait for more than a second, which a busy machine may do once. */
async function startPatiently(
  place: ReplicaPlace,
  settings: ReplicaSettings,
  report: Report,
  signal: AbortSignal,
): Promise<RunningPart> {
  try {
    return await startReplica(place, settings, signal)
  } catch (error) {
    if (signal.aborted) throw error
    report(place.name, 'did not start, trying once more')
    return startReplica(place, settings, signal)
  }
}

function settingsFor(
  options: StackOptions,
  site: Site,
  databaseUrl: string,
): Omit<ReplicaSettings, 'variables'> {
  return {
    program: options.replica,
    databaseUrl,
    stickySeconds: options.stickySeconds ?? 300,
    showClientIps: options.showClientIps ?? 'short',
    drainSeconds: options.drainSeconds ?? 1,
    logLimits: options.logLimits ?? { days: 30, rows: 10_000_000 },
    hungAfterMs: options.hungAfterMs === undefined ? defaultHungAfterMs : options.hungAfterMs,
    logs: site.dataDir.logs,
    record: site.record,
  }
}
