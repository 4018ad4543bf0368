import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { type Home, openHome } from './home.ts'

/** The id of a server that already runs on this database; null = none. */
export async function findStray(home: Home): Promise<number | null> {
  const pid = Number(await readFile(home.pid, 'utf8').catch(() => 0))
  if (!Number.isInteger(pid) || pid <= 0) return null
  // After a crash the number may belong to anybody.
  return (await commandOf(pid)).includes(`--datadir=${home.files}`) ? pid : null
}

/**
 * Stops in order the server that a killed launcher left running on `dataDir`, and waits until it is gone.
 * Only for who knows that no other launcher is using it. Returns whether there was one.
 */
export async function stopStrayDatabase(dataDir: string): Promise<boolean> {
  const home = await openHome(dataDir)
  const pid = await findStray(home)
  if (pid === null) return false
  process.kill(pid, 'SIGTERM')
  while ((await findStray(home)) === pid) await sleep(50)
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
