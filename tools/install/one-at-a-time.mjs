import { linkSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { CannotInstall } from './programs.mjs'

/**
 * Runs `work` while no other start of the same checkout does; waits for it. A holder that was killed is not waited for. The
 * lock is in the checkout, where `work` writes too, and outside node_modules, which it may remove. Throws CannotInstall where
 * this user may not write there.
 */
export function alone(root, work) {
  const lock = join(root, '.install-lock')
  for (let told = false; !take(lock); pause(200)) {
    if (isAlive(holderOf(lock))) {
      if (!told) console.log('Waiting for another start, which is installing the same …')
      told = true
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

/** The lock names its holder from the first moment: a file that were written after it was made could be read empty. */
function take(lock) {
  const own = `${lock}.${process.pid}`
  try {
    writeFileSync(own, identityOf(process.pid))
    linkSync(own, lock)
    return true
  } catch (error) {
    if (error.code === 'EEXIST') return false
    throw new CannotInstall(`This user cannot install packages in this folder: ${error.message}`)
  } finally {
    rmSync(own, { force: true })
  }
}

/** Only who holds a lock on the removal removes: another may have found the same holder dead, and have the lock already. */
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

/** '' where there is no lock any more. */
function holderOf(lock) {
  try {
    return readFileSync(lock, 'utf8')
  } catch {
    return ''
  }
}

/** A process by its number and, on Linux, when it began: a number is used again. */
function identityOf(pid) {
  try {
    // The name in brackets may contain spaces; the start is the 20th value after it. https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html
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
