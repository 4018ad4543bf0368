import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rename, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { DatabaseFailure, failureOf, type Home, openLog } from './home.ts'
import { commonArguments, type DatabaseServer, findInstaller, type Size, userName } from './server-program.ts'

/** Creates the database's first files if there are none. An interrupted attempt leaves no files that look complete. */
export async function initialise(server: DatabaseServer, home: Home, size: Size): Promise<void> {
  if (await isThere(home.files)) return checkMaker(server, home)
  const staging = await mkdtemp(join(home.folder, 'new-'))
  await using alias = await plainAlias(home.folder)
  try {
    const files = join(staging, 'files')
    const through = (path: string) => join(alias.path, relative(home.folder, path))
    const [program, ...options] = await initialiser(server, through(files), through(home.temporary), size)
    if (!(await succeeds(program, options, home))) throw await failureOf('make a database', home)
    await writeFile(home.madeBy, `${server.flavour} ${server.version}\n`)
    await rename(files, home.files)
  } finally {
    await rm(staging, { recursive: true, force: true })
  }
}

/**
 * A symbolic link to `folder` whose path has no spaces or quotes: MariaDB's installer is a shell script that does not quote paths.
 * Removed when it goes out of scope.
 */
async function plainAlias(folder: string) {
  const isPlain = /^[\w./-]+$/.test(tmpdir())
  const place = await mkdtemp(join(isPlain ? tmpdir() : '/tmp', 'board-'))
  const path = join(place, 'home')
  await symlink(folder, path, 'dir')
  return { path, [Symbol.asyncDispose]: () => rm(place, { recursive: true, force: true }) }
}

async function checkMaker(server: DatabaseServer, home: Home): Promise<void> {
  const maker = (await readFile(home.madeBy, 'utf8').catch(() => server.flavour)).trim()
  if (maker.startsWith(server.flavour)) return
  throw new DatabaseFailure(
    `the database in ${home.folder} was made by ${maker}, which ${server.flavour} ${server.version} cannot read`,
  )
}

async function initialiser(
  server: DatabaseServer,
  files: string,
  temporary: string,
  size: Size,
): Promise<[string, ...string[]]> {
  const options = commonArguments(files, temporary, size)
  if (server.flavour === 'MySQL') return [server.path, ...options, '--initialize-insecure']
  const installer = findInstaller(server)
  if (!installer) throw new DatabaseFailure(`${server.path} is installed, but mariadb-install-db is not`)
  // The system's users root and this one sign in over the socket without a password. Other users cannot, nor anyone over TCP. This
  // does not work for a user without a name.
  const user = `--auth-root-socket-user=${userName() ?? 'root'}`
  const root = ['--auth-root-authentication-method=socket', user]
  return [installer, ...options, ...root, '--skip-name-resolve', '--skip-test-db']
}

async function succeeds(program: string, options: string[], home: Home): Promise<boolean> {
  await using log = await openLog(home)
  const child = spawn(program, options, { stdio: ['ignore', log.fd, log.fd] })
  const [status] = await once(child, 'exit')
  return status === 0
}

const isThere = (path: string) =>
  stat(path).then(
    () => true,
    () => false,
  )
