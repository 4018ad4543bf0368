import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openUndo } from './workspace.ts'

test('what was begun last ends first', async () => {
  const ended: string[] = []
  const undo = openUndo()
  undo.add(() => void ended.push('database'))
  undo.add(async () => void ended.push('replicas'))
  await undo.run()
  assert.deepEqual(ended, ['replicas', 'database'])
})

test('one that fails does not keep the others from ending, and is told', async () => {
  const ended: string[] = []
  const undo = openUndo()
  undo.add(() => void ended.push('lock'))
  undo.add(() => Promise.reject(new Error('stuck')))
  await assert.rejects(undo.run(), { message: 'stuck' })
  assert.deepEqual(ended, ['lock'])
})

test('each is ended once, however often it is asked for', async () => {
  let ends = 0
  const undo = openUndo()
  undo.add(() => void ends++)
  await Promise.all([undo.run(), undo.run()])
  assert.equal(ends, 1)
})
