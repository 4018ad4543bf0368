import assert from 'node:assert/strict'
import { test } from 'node:test'
import { markdownTable } from './report.ts'

test('columns are as wide as their widest cell, the first left-aligned and the others right-aligned', () => {
  assert.equal(
    markdownTable(
      ['what', 'ms'],
      [
        ['the board', '12.5'],
        ['limit', '9'],
      ],
    ),
    ['| what      |   ms |', '| --------- | ---: |', '| the board | 12.5 |', '| limit     |    9 |'].join(
      '\n',
    ),
  )
})
