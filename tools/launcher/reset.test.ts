import assert from 'node:assert/strict'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { temporaryFolder } from '../lib/testing.ts'
import { confirm, removeCount } from './reset.ts'
import { ownFolder } from './stack/data-dir.ts'

const questions = ['Sure?', 'Really?']

function person(...answers: boolean[]) {
  const asked: string[] = []
  const ask = async (question: string) => {
    asked.push(question)
    return answers.shift() ?? false
  }
  return { asked, ask }
}

test('it takes a yes to each question', async () => {
  const { asked, ask } = person(true, true)
  assert.equal(await confirm(questions, 0, ask), true)
  assert.deepEqual(asked, questions)
})

test('after a no nothing more is asked', async () => {
  const { asked, ask } = person(false, true)
  assert.equal(await confirm(questions, 0, ask), false)
  assert.deepEqual(asked, ['Sure?'])
})

test('a yes on the command line stands for one answer', async () => {
  const { asked, ask } = person(true)
  assert.equal(await confirm(questions, 1, ask), true)
  assert.deepEqual(asked, ['Really?'])
  assert.equal(await confirm(questions, 2, person().ask), true)
  assert.equal(await confirm(questions, 1, person().ask), false)
})

const agreed = async () => true
const silent = () => {}

async function folderWithCount() {
  const folder = await temporaryFolder()
  const database = join(folder.path, 'database')
  mkdirSync(join(database, 'files'), { recursive: true })
  writeFileSync(join(database, 'made-by'), 'MariaDB 10.11.19\n')
  return { ...folder, database }
}

test('the database is removed once it is agreed to, and not otherwise', async () => {
  await using folder = await folderWithCount()
  assert.equal(await removeCount(folder.path, async () => false, silent), false)
  assert.ok(existsSync(folder.database))
  assert.equal(await removeCount(folder.path, agreed, silent), true)
  assert.ok(!existsSync(folder.database))
})

test('while a board runs it is refused', async () => {
  await using folder = await folderWithCount()
  const { lock } = await ownFolder(folder.path)
  await assert.rejects(removeCount(folder.path, agreed, silent), { message: /already running/ })
  lock.release()
  assert.ok(existsSync(folder.database))
})

test('what is not a database of ours is left as it is', async () => {
  await using folder = await temporaryFolder()
  await assert.rejects(removeCount(folder.path, agreed, silent), { message: /^there is no count in / })
  const database = join(folder.path, 'database')
  mkdirSync(database)
  writeFileSync(join(database, 'ibdata1'), '')
  await assert.rejects(removeCount(folder.path, agreed, silent), { message: /was not made by a board/ })
  assert.ok(existsSync(join(database, 'ibdata1')))
})
