import assert from 'node:assert/strict'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { temporaryFolder } from '../lib/testing.ts'
import { confirm, removeCount } from './reset.ts'
import { lockDataDir } from './stack/data-dir.ts'

const questions = ['Sure?', 'Really?']

function person(...answers: boolean[]) {
  const asked: string[] = []
  const prompt = async (question: string) => {
    asked.push(question)
    return answers.shift() ?? false
  }
  return { asked, prompt }
}

test('every question needs a yes', async () => {
  const { asked, prompt } = person(true, true)
  assert.equal(await confirm(questions, 0, prompt), true)
  assert.deepEqual(asked, questions)
})

test('after a no there is no further question', async () => {
  const { asked, prompt } = person(false, true)
  assert.equal(await confirm(questions, 0, prompt), false)
  assert.deepEqual(asked, ['Sure?'])
})

test('a yes on the command line answers one question', async () => {
  const { asked, prompt } = person(true)
  assert.equal(await confirm(questions, 1, prompt), true)
  assert.deepEqual(asked, ['Really?'])
  assert.equal(await confirm(questions, 2, person().prompt), true)
  assert.equal(await confirm(questions, 1, person().prompt), false)
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

test('the database is removed only after confirmation', async () => {
  await using folder = await folderWithCount()
  assert.equal(await removeCount(folder.path, async () => false, silent), false)
  assert.ok(existsSync(folder.database))
  assert.equal(await removeCount(folder.path, agreed, silent), true)
  assert.ok(!existsSync(folder.database))
})

test('a reset is refused while a board runs', async () => {
  await using folder = await folderWithCount()
  const { lock } = await lockDataDir(folder.path)
  await assert.rejects(removeCount(folder.path, agreed, silent), { message: /already running/ })
  lock.release()
  assert.ok(existsSync(folder.database))
})

test('a folder that is not a board’s database is left alone', async () => {
  await using folder = await temporaryFolder()
  await assert.rejects(removeCount(folder.path, agreed, silent), { message: /^there is no count in / })
  const database = join(folder.path, 'database')
  mkdirSync(database)
  writeFileSync(join(database, 'ibdata1'), '')
  await assert.rejects(removeCount(folder.path, agreed, silent), { message: /was not made by a board/ })
  assert.ok(existsSync(join(database, 'ibdata1')))
})
