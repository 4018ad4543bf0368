import assert from 'node:assert/strict'
import { test } from 'node:test'

// The launcher relies on this when it stops a stack: the order, and that a failure leaves no other process running.

test('the last resource is disposed first', async () => {
  const ended: string[] = []
  const resources = new AsyncDisposableStack()
  resources.defer(() => void ended.push('database'))
  resources.defer(async () => void ended.push('replicas'))
  await resources.disposeAsync()
  assert.deepEqual(ended, ['replicas', 'database'])
})

test('a failure does not prevent the other disposals, and its error is thrown', async () => {
  const ended: string[] = []
  const resources = new AsyncDisposableStack()
  resources.defer(() => void ended.push('lock'))
  resources.defer(() => Promise.reject(new Error('stuck')))
  await assert.rejects(resources.disposeAsync(), { message: 'stuck' })
  assert.deepEqual(ended, ['lock'])
})

test('each resource is disposed once, however often the stack is disposed', async () => {
  let ends = 0
  const resources = new AsyncDisposableStack()
  resources.defer(() => void ends++)
  await Promise.all([resources.disposeAsync(), resources.disposeAsync()])
  assert.equal(ends, 1)
})
