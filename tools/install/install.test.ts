import assert from 'node:assert/strict'
import { execFile, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync, realpathSync, writeFileSync } from 'node:fs'
import { mkdir, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { z } from 'zod'
import { eventually, temporaryFolder } from '../lib/testing.ts'
import {
  commandsOf,
  isInstalled,
  missingForNode,
  missingLibrary,
  nodeToUse,
  npmCommand,
} from './npm-packages.mjs'
import {
  findFirefox,
  findPrograms,
  missingBenchPrograms,
  missingClusterPrograms,
  missingMonitoringPrograms,
  missingOptionalPrograms,
  missingPrograms,
} from './programs.mjs'
import {
  candidatesOf,
  installCommand,
  packagesOf,
  parseAptPolicy,
  proxiesOf,
  withProxies,
} from './system-packages.mjs'

const zod = { version: '4.6.7', integrity: 'sha512-a' }
const forAnother = { version: '1.0.0', integrity: 'sha512-b', optional: true }

test('packages are installed if each is there in its version; optional ones may be missing', () => {
  const wanted = { '': {}, 'node_modules/zod': zod, 'node_modules/other': forAnother }
  assert.ok(isInstalled(wanted, { 'node_modules/zod': zod }))
  assert.ok(isInstalled(wanted, { 'node_modules/zod': zod, 'node_modules/other': forAnother }))
})

test('packages are not installed if one is missing, has another version or is no longer wanted', () => {
  const wanted = { '': {}, 'node_modules/zod': zod }
  assert.ok(!isInstalled(wanted, {}))
  assert.ok(!isInstalled(wanted, { 'node_modules/zod': { ...zod, version: '4.6.6' } }))
  assert.ok(!isInstalled(wanted, { 'node_modules/zod': { ...zod, integrity: 'sha512-z' } }))
  assert.ok(!isInstalled(wanted, { 'node_modules/zod': zod, 'node_modules/old': zod }))
})

test('packages are not installed if npm has linked no commands', () => {
  const nested = { version: '1.0.0', bin: { other: 'cli.js' } }
  const installed = {
    '': { version: '1.0.0', bin: { ours: 'x.js' } },
    'node_modules/typescript': { version: '7.0.0', bin: { tsc: 'bin/tsc' } },
    'node_modules/@biomejs/biome': { version: '2.0.0', bin: { biome: 'bin/biome' } },
    'node_modules/@biomejs/biome/node_modules/other': nested,
    'node_modules/zod': zod,
  }
  assert.deepEqual(commandsOf(installed), ['tsc', 'biome'])
})

test('packages are installed completely and once, whatever the settings of npm', async () => {
  await using folder = await temporaryFolder()
  const program = join(folder.path, 'tool/bin/tool.js')
  await mkdir(dirname(program), { recursive: true })
  await writeFile(program, '#!/usr/bin/env node\n', { mode: 0o755 })
  const bin = { tool: 'bin/tool.js' }
  const project = { name: 'project', version: '1.0.0', devDependencies: { tool: 'file:tool' } }
  const lock = {
    ...{ name: 'project', version: '1.0.0', lockfileVersion: 3, requires: true },
    packages: {
      '': project,
      'node_modules/tool': { resolved: 'tool', link: true },
      tool: { version: '1.0.0', dev: true, bin },
    },
  }
  for (const [path, content] of Object.entries({
    'tool/package.json': { name: 'tool', version: '1.0.0', bin },
    'package.json': project,
    'package-lock.json': lock,
  }))
    await writeFile(join(folder.path, path), JSON.stringify(content))
  const module = JSON.stringify(import.meta.resolve('./npm-packages.mjs'))
  const script = `(await import(${module})).installNpmPackages(${JSON.stringify(folder.path)})`
  const env: NodeJS.ProcessEnv = {
    ...process.env,
    NODE_ENV: 'production',
    npm_config_bin_links: 'false',
    npm_config_install_strategy: 'linked',
    npm_config_legacy_bundling: 'true',
    npm_config_global: 'true',
    npm_config_dry_run: 'true',
    npm_config_package_lock: 'false',
    npm_config_package_lock_only: 'true',
    npm_config_omit: 'dev',
  }
  const words = ['--input-type=module', '-e', script]
  const install = () => execFileSync(process.execPath, words, { env, encoding: 'utf8', stdio: 'pipe' })
  assert.match(install(), /^Installing the npm packages/)
  const link = join(folder.path, 'node_modules/.bin/tool')
  assert.equal(realpathSync(link), realpathSync(program))
  assert.equal(install(), '')
})

test('every command installs the packages before it runs, also if npm runs no pre-scripts', () => {
  const { scripts } = z
    .object({ scripts: z.record(z.string(), z.string()) })
    .parse(JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')))
  for (const [name, command] of Object.entries(scripts)) {
    assert.match(
      command,
      /^(exec )?sh tools\/install\/command\.sh( --\w+)* (node|npm|tsc|biome|playwright) /,
      name,
    )
  }
})

test('the npm that runs the script also installs', () => {
  assert.deepEqual(npmCommand('/usr/lib/npm/bin/npm-cli.js'), [
    process.execPath,
    '/usr/lib/npm/bin/npm-cli.js',
  ])
  assert.deepEqual(npmCommand('/usr/lib/yarn.js'), ['npm'])
  assert.deepEqual(npmCommand(undefined), ['npm'])
})

test('libatomic can be installed for a Node that does not start; other causes are reported', () => {
  const complaint =
    'node: error while loading shared libraries: libatomic.so.1: cannot open shared object file'
  assert.deepEqual(missingLibrary(complaint), ['libatomic'])
  assert.throws(
    () => missingLibrary('Exec format error'),
    /does not start on this machine: Exec format error/,
  )
})

test('if the pinned Node does not start, the Node that runs npm is used if it is new enough', async () => {
  await using folder = await temporaryFolder()
  const pinned = join(folder.path, 'node_modules/.bin/node')
  await mkdir(dirname(pinned), { recursive: true })
  // As on Alpine and NixOS: the program exists but its loader does not.
  for (const first of [
    '#!/no/such/loader',
    '#!/bin/sh\necho "Could not start dynamically linked executable" >&2; exit 127',
  ]) {
    await writeFile(pinned, `${first}\n`, { mode: 0o755 })
    assert.deepEqual(missingForNode(folder.path, '26.0.0'), [])
    assert.throws(
      () => missingForNode(folder.path, '22.22.0'),
      /^Error: Node 26, which npm installed, does not start on this machine: .*\n.*install Node 26 or later/,
    )
    assert.equal(nodeToUse(folder.path), process.execPath)
  }
  const works = join(folder.path, 'other')
  await mkdir(join(works, 'node_modules/.bin'), { recursive: true })
  await symlink('/bin/true', join(works, 'node_modules/.bin/node'))
  assert.deepEqual(missingForNode(works, '20.0.0'), [])
  assert.equal(nodeToUse(works), join(works, 'node_modules/.bin/node'))
})

test('apt gets the proxies of the environment also through sudo, which removes them', async () => {
  await using folder = await temporaryFolder()
  const sudo = join(folder.path, 'sudo')
  await writeFile(sudo, '#!/bin/sh\nshift\nexec env -i PATH="$PATH" "$@"\n', { mode: 0o755 })
  const environment = {
    http_proxy: 'http://a b:1',
    HTTPS_PROXY: 'http://c:2',
    no_proxy: 'd',
    NO_PROXY: 'e',
    ALL_PROXY: '',
  }
  const expected = { http_proxy: 'http://a b:1', https_proxy: 'http://c:2', no_proxy: 'd' }
  assert.deepEqual(proxiesOf(environment), expected)
  const command = ['-n', ...withProxies(environment), 'sh', '-c', 'echo "$http_proxy,$https_proxy,$no_proxy"']
  assert.equal(execFileSync(sudo, command, { encoding: 'utf8' }), 'http://a b:1,http://c:2,d\n')
  assert.deepEqual(withProxies({ PATH: '/bin', HTTP_PROXY: '' }), [])
})

test('a program is a file with an absolute path, not a folder of that name found through a dot in PATH', async () => {
  await using folder = await temporaryFolder()
  await mkdir(join(folder.path, 'a/board-test-program'), { recursive: true })
  await mkdir(join(folder.path, 'b'))
  const program = join(folder.path, 'b/board-test-program')
  await writeFile(program, '', { mode: 0o755 })
  assert.deepEqual(findPrograms('board-test-program', `${folder.path}/a:${folder.path}/b`), [program])
  const module = JSON.stringify(import.meta.resolve('./programs.mjs'))
  const find = (name: string) => {
    const script = `console.log((await import(${module})).findPrograms(${JSON.stringify(name)}, '.')[0])`
    const options = { cwd: join(folder.path, 'b'), encoding: 'utf8' } as const
    return execFileSync(process.execPath, ['--input-type=module', '-e', script], options).trim()
  }
  assert.equal(find('board-test-program'), program)
})

test('a clone has Linux line ends and unchanged pictures, whatever the settings of Git', async () => {
  if (findPrograms('git').length === 0) return
  await using folder = await temporaryFolder()
  const attributes = readFileSync(new URL('../../.gitattributes', import.meta.url), 'utf8')
  const files = {
    '.gitattributes': attributes,
    'a.sh': 'echo 1\n',
    'b.envsh': 'echo 2\n',
    'c.template': 'x;\n',
    Dockerfile: 'FROM a\n',
    'd.png': 'PNG\r\nmore\n',
    'e.webp': 'RIFF\r\nWEBP\n',
  }
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder.path, name), text, 'latin1')
  const git = (...words: string[]) => execFileSync('git', words, { cwd: folder.path, stdio: 'pipe' })
  git('init', '-q')
  git('add', '.')
  for (const [name, value] of [
    ['core.autocrlf', 'true'],
    ['core.eol', 'crlf'],
  ] as const)
    git('config', name, value)
  git('checkout-index', '--all', '--force', '--prefix=clone/')
  for (const [name, text] of Object.entries(files))
    assert.equal(readFileSync(join(folder.path, 'clone', name), 'latin1'), text, name)
})

test('missing programs are found; MariaDB counts only with the programs that create its files', () => {
  const machine = (...names: string[]) => ({
    tests: false,
    find: (name: string) => (names.includes(name) ? `/usr/bin/${name}` : null),
  })
  const whole = ['nginx', 'mariadbd', 'mariadb-install-db', 'my_print_defaults']
  assert.deepEqual(missingPrograms('/', machine(...whole)), [])
  assert.deepEqual(missingPrograms('/', machine('nginx', 'mysqld')), [])
  assert.deepEqual(missingPrograms('/', machine('nginx', 'mariadbd')), ['database'])
  assert.deepEqual(missingPrograms('/', machine()), ['nginx', 'database'])
})

test('faketime is optional for the fault run and required for tests', () => {
  const find = (name: string) => (name === 'nginx' || name === 'mysqld' ? `/usr/bin/${name}` : null)
  assert.ok(missingPrograms('/', { tests: true, find, firefox: () => null }).includes('faketime'))
  assert.deepEqual(missingOptionalPrograms({ faults: true, find }), ['faketime'])
  assert.deepEqual(missingOptionalPrograms({ faults: false, find }), [])
  assert.deepEqual(missingOptionalPrograms({ faults: true, find: () => '/usr/bin/faketime' }), [])
})

test('tests also need Chromium, Firefox, faketime and a dump program', () => {
  const there = ['nginx', 'mysqld', 'chromium', 'faketime', 'mysqldump']
  const find = (name: string) => (there.includes(name) ? `/usr/bin/${name}` : null)
  const firefox = () => '/usr/bin/firefox'
  assert.deepEqual(missingPrograms('/', { tests: true, find, firefox: () => null }), ['firefox'])
  assert.deepEqual(missingPrograms('/', { tests: true, find, firefox }), [])
})

test('a Firefox that is too old for the tests does not count; of several, the recent one does', () => {
  const versions: Record<string, string> = {
    '/usr/bin/firefox-esr': 'Mozilla Firefox 140.12.0esr\n',
    '/opt/bin/firefox': 'Mozilla Firefox 99.0\n',
    '/usr/bin/firefox': 'Mozilla Firefox 160.0.1\n',
    '/snap/bin/firefox': '',
  }
  const findAmong = (paths: string[]) =>
    findFirefox(
      name => paths.filter(path => path.endsWith(`/${name}`)),
      program => versions[program] ?? '',
    )
  assert.equal(findAmong(Object.keys(versions)), '/usr/bin/firefox')
  assert.equal(findAmong(['/usr/bin/firefox-esr', '/opt/bin/firefox', '/snap/bin/firefox']), null)
  assert.equal(findAmong([]), null)
})

test('only pictures need img2webp', () => {
  const there = ['nginx', 'mysqld']
  const find = (name: string) => (there.includes(name) ? `/usr/bin/${name}` : null)
  assert.deepEqual(missingPrograms('/', { tests: false, pictures: true, find }), ['webp'])
  there.push('img2webp')
  assert.deepEqual(missingPrograms('/', { tests: false, pictures: true, find }), [])
})

test('the bench needs wrk, and Flask with all its modules for the Python of the system', () => {
  const machine = (programs: string[], modules: string[]) => ({
    find: (name: string) => (programs.includes(name) ? `/usr/bin/${name}` : null),
    imports: (...names: string[]) => names.every(name => modules.includes(name)),
  })
  assert.deepEqual(missingBenchPrograms(machine(['wrk'], ['flask', 'gunicorn', 'MySQLdb'])), [])
  assert.deepEqual(missingBenchPrograms(machine(['wrk'], ['flask', 'gunicorn'])), ['flask'])
  assert.deepEqual(missingBenchPrograms(machine([], [])), ['wrk', 'flask'])
})

test('the monitoring needs three programs, under Debian’s names or those of their authors', () => {
  const machine = (...names: string[]) => ({
    find: (name: string) => (names.includes(name) ? `/usr/bin/${name}` : null),
  })
  const all = ['prometheus', 'alertmanager', 'nginx-exporter']
  assert.deepEqual(missingMonitoringPrograms(machine()), all)
  assert.deepEqual(missingMonitoringPrograms(machine('prometheus')), all)
  const [prometheus, promtool] = ['prometheus', 'promtool']
  for (const exporters of [
    ['prometheus-alertmanager', 'prometheus-nginx-exporter'],
    ['alertmanager', 'nginx-prometheus-exporter'],
  ])
    assert.deepEqual(missingMonitoringPrograms(machine(prometheus, promtool, ...exporters)), [])
  assert.deepEqual(packagesOf('apt-get', all), [
    'prometheus',
    'prometheus-alertmanager',
    'prometheus-nginx-exporter',
  ])
  assert.equal(packagesOf('dnf', all), null)
})

test('the cluster test needs MariaDB with the scripts of Galera, and HAProxy', () => {
  const machine = (...names: string[]) => ({
    find: (name: string) => (names.includes(name) ? `/usr/bin/${name}` : null),
  })
  assert.deepEqual(missingClusterPrograms(machine('mysqld')), ['galera', 'haproxy'])
  assert.deepEqual(missingClusterPrograms(machine('mariadbd', 'rsync', 'haproxy')), ['galera'])
  assert.deepEqual(missingClusterPrograms(machine('mariadbd', 'wsrep_sst_rsync', 'rsync', 'haproxy')), [])
  assert.deepEqual(packagesOf('apt-get', ['galera', 'haproxy']), [
    ...['mariadb-server', 'galera-4', 'rsync', 'haproxy'],
  ])
})

test('the output of apt-cache says what apt can install', () => {
  const said = [
    'nginx:',
    '  Installed: (none)',
    '  Candidate: 1.22.1-9+deb12u11',
    '  Version table:',
    '     1.22.1-9+deb12u11 500',
    'mysql-server-core-8.0:',
    '  Installed: (none)',
    '  Candidate: (none)',
  ].join('\n')
  assert.deepEqual([...parseAptPolicy(said)], ['nginx'])
})

test('of the packages for a requirement, the first that the system has is taken', () => {
  const known = new Set(['nginx', 'mariadb-server-core-10.6', 'mariadb-client-core-10.6'])
  assert.deepEqual(
    packagesOf('apt-get', ['nginx', 'database'], name => known.has(name)),
    ['nginx', 'mariadb-server-core-10.6', 'mariadb-client-core-10.6'],
  )
  assert.equal(
    packagesOf('apt-get', ['browser'], name => known.has(name)),
    null,
  )
  assert.ok(candidatesOf('apt-get', ['database']).includes('mariadb-server-core'))
})

test('without permission to install, there is one command to run', () => {
  const names = packagesOf('apt-get', ['nginx', 'database']) ?? []
  assert.equal(
    installCommand('apt-get', names, false),
    'sudo apt-get install -y --no-install-recommends nginx mariadb-server-core mariadb-client-core',
  )
  assert.equal(
    installCommand('brew', packagesOf('brew', ['nginx', 'database']) ?? [], false),
    'brew install nginx mysql',
  )
})

const module = JSON.stringify(import.meta.resolve('./npm-packages.mjs'))

const optionsIn = (cwd: string) => ({ cwd, timeout: 60_000 })

function run(folder: string, script: string) {
  const program = `import { withInstallLock } from ${module}; import fs from 'node:fs'; ${script}`
  return promisify(execFile)(process.execPath, ['--input-type=module', '-e', program], optionsIn(folder))
}

/** Fails if two processes work concurrently. */
const exclusively = (rounds: number) =>
  `for (let n = 0; n < ${rounds}; n++) withInstallLock('.', () => { fs.mkdirSync('DIR'); fs.rmdirSync('DIR') })`

const lockOf = (folder: string) => join(folder, '.install-lock')

function readLock(folder: string): string | null {
  try {
    return readFileSync(lockOf(folder), 'utf8')
  } catch {
    return null
  }
}

test('concurrent starts of a checkout work one after the other', async () => {
  await using folder = await temporaryFolder()
  const script = exclusively(20).replaceAll('DIR', join(folder.path, 'at-work'))
  await Promise.all(Array.from({ length: 4 }, () => run(folder.path, script)))
  assert.deepEqual(readdirSync(folder.path), [])
})

test('the lock always names its holder', async () => {
  await using folder = await temporaryFolder()
  let running = true
  const holder = run(folder.path, `for (let n = 0; n < 3000; n++) withInstallLock('.', () => {})`).finally(
    () => {
      running = false
    },
  )
  let seen = 0
  while (running) {
    for (let look = 0; look < 200; look++) {
      const lock = readLock(folder.path)
      if (lock === null) continue
      assert.match(lock, /^\d+/)
      seen += 1
    }
    await new Promise(setImmediate)
  }
  await holder
  assert.ok(seen > 0)
})

test('a lock is taken from a killed holder, also if another process has its id now', async () => {
  await using folder = await temporaryFolder()
  const program = `import { withInstallLock } from ${module}; withInstallLock('.', () => { for (;;) {} })`
  const killed = spawn(process.execPath, ['--input-type=module', '-e', program], optionsIn(folder.path))
  const exited = once(killed, 'exit')
  await eventually(() => readLock(folder.path))
  killed.kill('SIGKILL')
  await exited
  const next = () => run(folder.path, `withInstallLock('.', () => console.log('worked'))`)
  assert.equal((await next()).stdout, 'worked\n')

  if (process.platform !== 'linux') return
  writeFileSync(lockOf(folder.path), `${process.pid} 1`)
  assert.equal((await next()).stdout, 'worked\n')
})

test('an unwritable checkout is reported in one sentence; the folder for temporary files does not matter', async () => {
  await using folder = await temporaryFolder()
  const missing = join(folder.path, 'missing')
  const program = `
    import { withInstallLock } from ${module}
    try { withInstallLock(process.argv[1], () => console.log('worked')) }
    catch (error) { console.log(error.constructor.name, error.message) }`
  const answerFor = async (root: string) => {
    const options = { env: { ...process.env, TMPDIR: missing } }
    const words = ['--input-type=module', '-e', program, root]
    return (await promisify(execFile)(process.execPath, words, options)).stdout
  }
  assert.equal(await answerFor(folder.path), 'worked\n')
  assert.match(
    await answerFor(missing),
    /^CannotInstall this user cannot install packages in this folder: ENOENT.*\n$/,
  )
})

test('many starts that find the same dead holder work one after the other', async () => {
  await using folder = await temporaryFolder()
  const script = exclusively(1).replaceAll('DIR', join(folder.path, 'at-work'))
  for (let round = 0; round < 5; round++) {
    // No system counts this far: https://man7.org/linux/man-pages/man5/proc_sys_kernel.5.html (pid_max)
    writeFileSync(lockOf(folder.path), '4194305')
    await Promise.all(Array.from({ length: 4 }, () => run(folder.path, script)))
  }
})
