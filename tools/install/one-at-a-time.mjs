import { linkSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { CannotInstall } from './programs.mjs'

/**
 * Runs `work` while no other start of the same checkout installs; waits for the other start, unless it was killed. The lock is in
 * the checkout, where `work` writes too, but outside node_modules, which `work` may remove.
 * @throws CannotInstall if this user cannot write in the checkout
 */
export function withInstallLock(root, work) {
  const lock = join(root, '.install-lock')
  for (let printed = false; !take(lock); pause(200)) {
    if (isAlive(holderOf(lock))) {
      if (!printed) console.log('Waiting for another start, which installs the same …')
      printed = true
    } else {
      removeStale(lock)
    }
  }
  const release = () => rmSync(lock, { force: true })
  process.once('exit', release)
  try {
    work()
  } finally {
    release()
    process.off('exit', release)
  }
}

/** Links a complete file: a lock that is created first and written later could be read while it is empty. */
function take(lock) {
  const own = `${lock}.${process.pid}`
  try {
    writeFileSync(own, identityOf(process.pid))
    linkSync(own, lock)
    return true
  } catch (error) {
    if (error.code === 'EEXIST') return false
    throw new CannotInstall(`this user cannot install packages in this folder: ${error.message}`)
  } finally {
    rmSync(own, { force: true })
  }
}

/** Removes the lock of a dead holder, under a second lock: another start may have removed it already and hold the lock now. */
function removeStale(lock) {
  const removal = `${lock}-removal`
  if (!take(removal)) {
    if (!isAlive(holderOf(removal))) rmSync(removal, { force: true })
    return
  }
  try {
    if (!isAlive(holderOf(lock))) rmSync(lock, { force: true })
  } finally {
    rmSync(removal, { force: true })
  }
}

/** Returns '' if the lock is gone. */
function holderOf(lock) {
  try {
    return readFileSync(lock, 'utf8')
  } catch {
    return ''
  }
}

/** A process's id and, on Linux, its start time: another process can get the same id later. */
function identityOf(pid) {
  try {
    // The name in parentheses may contain spaces. The start time is the 20th value after it. https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html
    const values = readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/.*\) /s, '').split(' ')
    return `${pid} ${values[19]}`
  } catch {
    return `${pid}`
  }
}

function isAlive(holder) {
  const pid = Number(holder.split(' ')[0])
  if (!pid) return false
  try {
    process.kill(pid, 0)
  } catch (error) {
    if (error.code !== 'EPERM') return false
  }
  return identityOf(pid) === holder
}

const pause = ms => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)
