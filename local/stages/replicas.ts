import type { KeptPart } from '../parts/keep-running.ts'
import { type ReplicaPlace, type ReplicaSettings, replicaPlace, startReplica } from '../parts/replica.ts'
import type { Site } from '../site.ts'
import type { StackOptions } from '../stack-options.ts'
import { bringUp } from './bring-up.ts'

/** Starts all replicas at once and resolves when every one is ready; returns where they are. */
export async function bringUpReplicas(
  options: StackOptions,
  site: Site,
  databaseUrl: string,
): Promise<ReplicaPlace[]> {
  const settings = settingsFor(options, site, databaseUrl)
  const places: ReplicaPlace[] = []
  for (let n = 1; n <= options.replicas; n++) places.push(replicaPlace(n, await site.freePort()))

  const running: KeptPart[] = []
  site.undo.add(async () => void (await Promise.all(running.map(kept => kept.stop()))))
  const starts = places.map(async place => {
    const start = (signal: AbortSignal) => startReplica(place, settings, signal)
    const { kept } = await bringUp(place.name, start, () => place.address, site)
    running.push(kept)
  })
  // All are waited for before a failure is told, so that none is started after the others were stopped.
  await Promise.allSettled(starts)
  await Promise.all(starts)
  return places
}

function settingsFor(options: StackOptions, site: Site, databaseUrl: string): ReplicaSettings {
  return {
    program: options.replica,
    databaseUrl,
    stickySeconds: options.stickySeconds ?? 300,
    showClientIps: options.showClientIps ?? 'short',
    drainSeconds: options.drainSeconds ?? 1,
    logs: site.dataDir.logs,
    record: site.record,
  }
}
