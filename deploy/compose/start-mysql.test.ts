import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { temporaryFolder } from '../../tools/lib/testing.ts'

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
