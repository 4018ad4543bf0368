import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fillTemplate } from './fill-template.ts'

test('only names in capitals and braces are filled in', () => {
  const filled = fillTemplate(`listen \${PORT}; $host \${host}`, { PORT: '80' })
  assert.equal(filled, `listen 80; $host \${host}`)
})

test('a name can hold digits', () => {
  assert.equal(fillTemplate(`\${HTTP2}`, { HTTP2: 'on' }), 'on')
})

test('a value is taken as it is', () => {
  assert.equal(fillTemplate(`\${A}`, { A: `$& \${B}` }), `$& \${B}`)
})

test('a variable that is not given is named', () => {
  assert.throws(() => fillTemplate(`\${PORT}`, {}), /needs PORT/)
})
