import assert from 'node:assert/strict'
import { test } from 'node:test'

// What the launcher relies on when it stops a stack: the order, and that a failure leaves nothing else running.

test('what was begun last ends first', async () => {
  const ended: string[] = []
  const resources = new AsyncDisposableStack()
  resources.defer(() => void ended.push('database'))
  resources.defer(async () => void ended.push('replicas'))
  await resources.disposeAsync()
  assert.deepEqual(ended, ['replicas', 'database'])
})

test('one that fails does not keep the others from ending, and its error is thrown', async () => {
  const ended: string[] = []
  const resources = new AsyncDisposableStack()
  resources.defer(() => void ended.push('lock'))
  resources.defer(() => Promise.reject(new Error('stuck')))
  await assert.rejects(resources.disposeAsync(), { message: 'stuck' })
  assert.deepEqual(ended, ['lock'])
})

test('each is ended once, however often the stack is disposed', async () => {
  let ends = 0
  const resources = new AsyncDisposableStack()
  resources.defer(() => void ends++)
  await Promise.all([resources.disposeAsync(), resources.disposeAsync()])
  assert.equal(ends, 1)
})
