import assert from 'node:assert/strict'
import { test } from 'node:test'
import { csvRecord } from './csv.ts'

test('plain fields stand as they are, null as nothing', () => {
  assert.equal(csvRecord([1, 'web-1', null, '2001:db8:1::/48']), '1,web-1,,2001:db8:1::/48\r\n')
})

test('what would end a field is quoted', () => {
  assert.equal(csvRecord(['a,b', 'say "hi"', 'two\r\nlines']), '"a,b","say ""hi""","two\r\nlines"\r\n')
})

test('no field is a formula to a spreadsheet', () => {
  assert.equal(csvRecord(['=1+1', '+1', '-1', '@SUM(A1)']), "'=1+1,'+1,'-1,'@SUM(A1)\r\n")
  assert.equal(csvRecord(['=HYPERLINK("x")', '\t=1']), `"'=HYPERLINK(""x"")",'\t=1\r\n`)
})
