import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { CannotInstall } from './cannot-install.mjs'

const script = fileURLToPath(new URL('./apt-install.sh', import.meta.url))

/** Asks apt which of `names` it can install; the answer says of a name whether it is one of them. */
export function knownToApt(names) {
  const { stdout } = spawnSync('apt-cache', ['policy', ...names], { encoding: 'utf8', env: plainEnglish })
  const known = candidatesIn(stdout ?? '')
  return name => known.has(name)
}

/** Reads the package lists anew; a minimal image comes without any. `privilege` makes a command run as root. */
export function updateApt(privilege) {
  run([...privilege, 'apt-get', '-q', '-o', 'DPkg::Lock::Timeout=120', 'update'])
}

/** Installs `names`. Throws CannotInstall with what apt said last. */
export function aptInstall(names, privilege) {
  const first = install(names, privilege)
  if (first.status === 0) return
  updateApt(privilege) // the lists may be older than what the mirror still has
  const second = install(names, privilege)
  if (second.status === 0) return
  throw new CannotInstall(`apt-get could not install ${names.join(' ')}:\n${lastLines(second)}`)
}

/** Reads `apt-cache policy`: the names that have a candidate. */
export function candidatesIn(text) {
  const known = new Set()
  let name = ''
  for (const line of text.split('\n')) {
    const heading = /^(\S+):$/.exec(line)
    if (heading) name = heading[1].replace(/:\w+$/, '')
    else if (/^ {2}Candidate: (?!\(none\))/.test(line)) known.add(name)
  }
  return known
}

const install = (names, privilege) => run([...privilege, 'sh', script, ...names])

function run([program, ...options]) {
  return spawnSync(program, options, { encoding: 'utf8', env: plainEnglish, maxBuffer: 64 * 1024 * 1024 })
}

const plainEnglish = { ...process.env, LC_ALL: 'C.UTF-8' }

const lastLines = ({ stdout, stderr }) => `${stdout}${stderr}`.trimEnd().split('\n').slice(-8).join('\n')
