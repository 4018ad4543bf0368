import assert from 'node:assert/strict'
import { test } from 'node:test'
import { confirm } from './confirm.ts'

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
