import type { Entry } from './entry.ts'
import { number } from './figure-texts.ts'
import type { Ground } from './ground.ts'
import { measureRun, type Run } from './measure-run.ts'
import type { Load } from './run-wrk.ts'
import { say } from './say.ts'

/** Every entry once a round: what changes on the machine meanwhile meets them all. The runs are in the entries' order. */
export async function takeTurns(
  entries: Entry[],
  rounds: number,
  load: Omit<Load, 'cookies'>,
  ground: Ground,
): Promise<{ name: string; runs: Run[] }[]> {
  const found = entries.map(entry => ({ entry, name: entry.name, runs: [] as Run[] }))
  for (let round = 1; round <= rounds; round++) {
    for (const { entry, name, runs } of found) {
      const run = await measureRun(entry, load, ground)
      runs.push(run)
      say(`round ${round}`, `${name}: ${number(run.rate)}/s${run.exact === false ? ', NOT EXACT' : ''}`)
    }
  }
  return found.map(({ name, runs }) => ({ name, runs }))
}
