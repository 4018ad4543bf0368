import assert from 'node:assert/strict'
import { test } from 'node:test'
import { markdownTable } from './report.ts'

test('columns are as wide as their widest cell, names to the left and figures to the right', () => {
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
