import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { codeOf } from '../../../web/server/error-code.ts'
import { DatabaseFailure } from './failure.ts'
import { type Home, openHome } from './home.ts'

/** The id of a server that already runs on this database; null = none. */
export async function findStray(home: Home): Promise<number | null> {
  const pid = Number(await readFile(home.pid, 'utf8').catch(() => 0))
  if (!Number.isInteger(pid) || pid <= 0) return null
  // After a crash the number may belong to anybody.
  return (await commandOf(pid)).includes(`--datadir=${home.files}`) ? pid : null
}

/** ms for the last flush. A server that takes longer loses nothing by SIGKILL: what it committed is on the disk. */
const patienceMs = 60_000
/** ms in which a killed process must be gone. One that waits for a broken disk is not. */
const killPatienceMs = 10_000

/**
 * Stops the server that a killed launcher left running on `dataDir`: in order, or by SIGKILL after `patience` ms. Resolves
 * once it is gone. Only for callers that know that no other launcher is using it. Returns whether there was one.
 * @throws DatabaseFailure when it cannot be stopped
 */
export async function stopStrayDatabase(dataDir: string, patience = patienceMs): Promise<boolean> {
  const home = await openHome(dataDir)
  const pid = await findStray(home)
  if (pid === null) return false
  const isGone = async () => (await findStray(home)) !== pid
  try {
    process.kill(pid, 'SIGTERM')
    // A frozen one hears nothing before it goes on.
    process.kill(pid, 'SIGCONT')
    if (await within(patience, isGone)) return true
    process.kill(pid, 'SIGKILL')
    if (await within(killPatienceMs, isGone)) return true
  } catch (error) {
    if (codeOf(error) === 'ESRCH') return true
    if (codeOf(error) !== 'EPERM') throw error
  }
  throw new DatabaseFailure(
    `the database in ${home.folder} is in use by process ${pid}, which does not end: stop it first`,
  )
}

/** Whether `holds` came true within `ms`. */
async function within(ms: number, holds: () => Promise<boolean>): Promise<boolean> {
  const deadline = performance.now() + ms
  while (!(await holds())) {
    if (performance.now() > deadline) return false
    await sleep(50)
  }
  return true
}

/** The command line of a process, empty if it is gone. Not every machine has both /proc and `ps`. */
async function commandOf(pid: number): Promise<string> {
  if (process.platform === 'linux') {
    return (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).replaceAll('\0', ' ')
  }
  const listed = promisify(execFile)('ps', ['-ww', '-o', 'command=', '-p', String(pid)])
  return listed.then(
    ({ stdout }) => stdout,
    () => '',
  )
}
