import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { mostConnections } from '../../tools/lib/database-accounts.ts'
import { temporaryFolder } from '../../tools/lib/testing.ts'
import { replicasThatFit } from '../../web/server/db/servers.ts'
import { rollWarning } from './database.ts'
import { roll } from './testing/board.ts'

const root = join(import.meta.dirname, '..', '..')

const read = (file: string) => readFileSync(join(root, file), 'utf8')
const connections = Number(/--max-connections=(\d+)/.exec(read('docker-compose.yml'))?.[1])

test('the accounts together leave five connections of MySQL for the health check and root', () => {
  const { board, board_replica } = mostConnections
  assert.equal(board + board_replica + 5, connections)
})

test('a roll, a replica and the documents say the same of how many replicas the database has room for', () => {
  const room = replicasThatFit({ connections, accountConnections: mostConnections.board_replica })
  const inRoll = Math.floor(room / 2)
  assert.equal(rollWarning(inRoll), null)
  assert.match(
    rollWarning(inRoll + 1) ?? '',
    new RegExp(`^17 old and 17 new replicas are more than the ${room} .* A roll of ${inRoll} fits$`),
  )
  for (const file of ['docs/operations.md', 'docs/database.md'])
    assert.match(read(file), new RegExp(`\\b${room}\\s+servers,\\s+or\\s+(for )?${inRoll}\\s+while`), file)
})

for (const [replicas, warned] of [
  [16, false],
  [17, true],
] as const)
  test(`a roll of ${replicas} replicas ${warned ? 'warns' : 'does not warn'} that they are too many`, async () => {
    await using folder = await temporaryFolder()
    const containers = Array.from({ length: replicas }, (_, index) => ({
      Id: `id-${index}`,
      Name: `/web-${index}`,
      Image: 'sha256:0',
      Config: { Labels: { 'com.docker.compose.oneoff': 'False' } },
      State: { Status: 'running', StartedAt: '' },
      RestartCount: 0,
      NetworkSettings: { Networks: {} },
    }))
    const project = { name: 'board', services: { web: { image: 'board-web' }, nginx: {} } }
    await writeFile(join(folder.path, 'containers'), JSON.stringify(containers))
    await writeFile(join(folder.path, 'project'), JSON.stringify(project))
    const script = `#!/bin/sh
case "$*" in
*' ps '*) seq ${replicas} ;;
inspect*) cat "${folder.path}/containers" ;;
*' config '*) cat "${folder.path}/project" ;;
*) echo 'no lock here' >&2; exit 1 ;;
esac`
    await writeFile(join(folder.path, 'docker'), script, { mode: 0o755 })
    const { status, printed } = await roll({ PATH: `${folder.path}:${process.env.PATH}` })
    assert.equal(status, 1)
    assert.match(printed, /^roll: docker run failed: no lock here$/m)
    assert.equal(/^roll: warning: 17 old and 17 new replicas are more than the 33 /m.test(printed), warned)
  })

/** What `npm run studio` says, and the commands it gives to a `docker` that does `script`. */
async function studioWith(script: string) {
  await using folder = await temporaryFolder()
  const commands = join(folder.path, 'commands')
  const docker = `#!/bin/sh\nprintf '%s\\n' "$*" >>'${commands}'\n${script}`
  await writeFile(join(folder.path, 'docker'), docker, { mode: 0o755 })
  const { DATABASE_URL: _, NODE_TEST_CONTEXT: __, ...environment } = process.env
  const { status, stderr } = spawnSync(
    process.execPath,
    [join(root, 'tools/launcher/studio.ts'), '--browser', 'none'],
    {
      encoding: 'utf8',
      env: { ...environment, DATA_DIR: folder.path, PATH: `${folder.path}:${process.env.PATH}` },
    },
  )
  return { status, said: stderr, commands: (await readFile(commands, 'utf8')).split('\n') }
}

test('Studio says that no stack runs only where none does', async () => {
  const { status, said } = await studioWith('exit 0')
  assert.equal(status, 1)
  assert.match(said, /^no stack runs here: start one with `npm start`/)
})

test('Studio says in one sentence why Docker refuses', async () => {
  const { status, said } = await studioWith('echo "Cannot connect to the Docker daemon" >&2; exit 1')
  assert.equal(status, 1)
  assert.match(
    said,
    /^Balance Board: no board is running on .* cannot be opened: .*Cannot connect to the Docker daemon\n$/,
  )
})

test('the port is opened with the files the stack was started with, and what could not be opened is removed', async () => {
  const { status, said, commands } = await studioWith(`case "$*" in
*' ps --quiet mysql') echo id-of-mysql ;;
*' ps --quiet nginx') echo id-of-nginx ;;
*'id-of-nginx') printf '%s\\n' other /srv/a,b /srv/a,b/docker-compose.yml,/srv/a,b/compose/proxy.yml its.env ;;
*' up '*) echo 'port is already allocated' >&2; exit 1 ;;
esac`)
  assert.equal(status, 1)
  assert.match(said, /^Balance Board: .*: port is already allocated\n$/)
  const files = '--file /srv/a,b/docker-compose.yml --file /srv/a,b/compose/proxy.yml'
  const as = '--project-name other --project-directory /srv/a,b --env-file /srv/a,b/its.env'
  const started = `compose --ansi never ${as} ${files} --file ${join(root, 'deploy/compose')}/studio.yml`
  assert.ok(commands.includes(`${started} up --detach --no-deps database-port`), commands.join('\n'))
  assert.equal(commands.at(-2), `${started} rm --stop --force database-port`)
})

/** Makes a data directory as mysqld does, and only in an empty one; a file `cut-short` beside it ends it half-way. */
const mysqld = `#!/bin/sh
case $1 in
--initialize-insecure)
    [ -z "$(ls "$MYSQL_DATA" | grep -vx lost+found)" ] || { echo 'the data directory has files in it' >&2; exit 1; }
    touch "$MYSQL_DATA/ibdata1"
    [ ! -e "$MYSQL_DATA/../cut-short" ] || { kill -KILL $PPID; exit 1; }
    mkdir "$MYSQL_DATA/mysql"
    ;;
*) echo "started: $*" ;;
esac
`

async function volume() {
  const folder = await temporaryFolder()
  const data = join(folder.path, 'data')
  await mkdir(data)
  await writeFile(join(folder.path, 'mysqld'), mysqld, { mode: 0o755 })
  const environment = { ...process.env, MYSQL_DATA: data, PATH: `${folder.path}:${process.env.PATH}` }
  return {
    path: (...names: string[]) => join(data, ...names),
    cutShort: join(folder.path, 'cut-short'),
    start: () =>
      spawnSync('sh', [join(import.meta.dirname, 'start-mysql.sh'), '--option'], {
        encoding: 'utf8',
        env: environment,
      }),
    [Symbol.asyncDispose]: () => folder.remove(),
  }
}

test('an empty volume gets a database, which starts again later', async () => {
  await using data = await volume()
  await mkdir(data.path('lost+found'))
  for (let start = 0; start < 2; start++)
    assert.match(data.start().stdout, /^started: --init-file=\/run\/secrets\/accounts\.sql --option$/m)
  assert.deepEqual(await readdir(data.path()), ['ibdata1', 'lost+found', 'mysql'])
})

test('a first start that was cut short is made again, and what a person put beside it stays', async () => {
  await using data = await volume()
  await writeFile(data.cutShort, '')
  data.start()
  assert.ok(!existsSync(data.path('mysql')) && existsSync(data.path('.unfinished')))
  await writeFile(data.path('.notes'), 'mine')
  await rm(data.cutShort)
  assert.match(data.start().stdout, /^started/m)
  assert.deepEqual(await readdir(data.path()), ['.notes', 'ibdata1', 'mysql'])
})

test('files that are no database of MySQL are kept, however often it starts', async () => {
  await using data = await volume()
  await mkdir(data.path('pgdata'))
  await writeFile(data.path('pgdata', 'rows'), 'precious')
  await writeFile(data.path('ibdata1'), 'half of a backup')
  for (let start = 0; start < 3; start++) {
    const { status, stderr } = data.start()
    assert.equal(status, 1)
    assert.match(stderr, /has files, but no MySQL database\. Nothing was changed/)
  }
  assert.equal(await readFile(data.path('pgdata', 'rows'), 'utf8'), 'precious')
  assert.equal(await readFile(data.path('ibdata1'), 'utf8'), 'half of a backup')
})
