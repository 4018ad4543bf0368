import assert from 'node:assert/strict'
import { test } from 'node:test'
import { csvRecord, nextWaitMs } from './log.ts'

const patience = { clientMs: 10_000, waitMs: 30_000 }

test('a client has ten seconds, ten more for each megabyte, and never thirty in one piece', () => {
  assert.equal(nextWaitMs(patience, 0, 0), 10_000)
  assert.equal(nextWaitMs(patience, 1_000_000, 0), 20_000)
  assert.equal(nextWaitMs(patience, 9_000_000, 0), 30_000)
  assert.equal(nextWaitMs(patience, 9_000_000, 99_000), 1000)
})

test('a client that takes a little now and then has none left', () => {
  assert.equal(nextWaitMs(patience, 500_000, 15_000), 0)
  assert.equal(nextWaitMs(patience, 500_000, 60_000), 0)
})

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
