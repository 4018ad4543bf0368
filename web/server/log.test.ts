import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { createLog, LineLimit, type LogFormat } from './log.ts'

function captured(format: LogFormat, server: () => string | null = () => 'web-1') {
  const lines: string[] = []
  const log = createLog(format, server, { write: line => void lines.push(line) })
  return { log, lines }
}

test('an event is one line of JSON with its time, level, server, message and request id', () => {
  const { log, lines } = captured('json')
  log.warn('a page view\nfailed', { code: 'overloaded', request_id: 'a'.repeat(32) })
  const [line = '', ...others] = lines
  assert.deepEqual([others, line.indexOf('\n')], [[], line.length - 1])
  const { time, ...event } = JSON.parse(line)
  assert.match(time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
  assert.deepEqual(event, {
    level: 'warn',
    server: 'web-1',
    request_id: 'a'.repeat(32),
    code: 'overloaded',
    msg: 'a page view\nfailed',
  })
})

test('a line has no server and no request id where there is none, and the newest name of a server', () => {
  let name: string | null = null
  const { log, lines } = captured('json', () => name)
  log.info('a', { request_id: null })
  name = 'web-1'
  log.info('b')
  name = 'web-4'
  log.info('c')
  const events = lines.map(line => JSON.parse(line))
  assert.deepEqual(
    events.map(event => event.server),
    [undefined, 'web-1', 'web-4'],
  )
  assert.ok(!('request_id' in events[0]))
})

for (const format of ['json', 'text'] as const)
  test(`an error is logged without the statement that failed: it has visitors' addresses (${format})`, () => {
    const { log, lines } = captured(format)
    const sql = "INSERT INTO access_log (client_ip) VALUES ('203.0.113.9')"
    const cause = Object.assign(new Error('denied'), { code: 'ER_DENIED', sql, values: ['203.0.113.9'] })
    log.error('a batch failed', { err: new Error('not committed', { cause }) })
    const text = lines.join('')
    for (const part of ['a batch failed', 'not committed', 'denied', 'log.test.ts'])
      assert.ok(text.includes(part), `${part} is missing in ${text}`)
    assert.ok(!text.includes('203.0.113.9'), text)
  })

for (const format of ['json', 'text'] as const)
  test(`what the database quotes is masked, also where another error repeats it (${format})`, () => {
    const address = '203.0.113.9'
    for (const sqlMessage of [
      `Duplicate entry '${address}' for key 'client_ip'`,
      `You have an error in your SQL syntax near ''${address}', 'it''s')' at line 1`,
      `Incorrect value: "${address}"\nin a row`,
      `Data too long: '${address}`,
    ]) {
      const { log, lines } = captured(format)
      const properties = { code: 'ER_DUP_ENTRY', errno: 1062, sqlMessage }
      const cause = Object.assign(new Error(sqlMessage), properties)
      log.error('failed', { err: cause })
      log.error('failed', { err: new Error(`the database: ${sqlMessage}`, { cause }) })
      const text = lines.join('')
      assert.ok(!text.includes(address), text)
      for (const part of [sqlMessage.slice(0, 10), "'…'", 'the database: ', 'log.test.ts'])
        assert.ok(text.includes(part), `${part} is missing in ${text}`)
      if (format === 'json') {
        const { type, code, errno } = JSON.parse(lines[0] ?? '').err
        assert.deepEqual({ type, code, errno }, { type: 'Error', code: 'ER_DUP_ENTRY', errno: 1062 })
      }
    }
  })

test('the code and the causes of an error are in its line', () => {
  const { log, lines } = captured('json')
  const cause = Object.assign(new Error('closed'), { code: 'ECONNRESET' })
  log.error('failed', { err: new TypeError('no answer', { cause }) })
  const { err } = JSON.parse(lines.join(''))
  assert.deepEqual([err.type, err.message, err.cause.code], ['TypeError', 'no answer', 'ECONNRESET'])
})

test('text is for people: time, level, message, then what else is known, then the stack', () => {
  const { log, lines } = captured('text')
  log.warn('a page view failed', { code: 'overloaded', left_out: 3 })
  log.error('failed', { err: new Error('no answer') })
  const [warning = '', failure = ''] = lines
  assert.match(warning, /^\S+Z warn {2}a page view failed code=overloaded left_out=3\n$/)
  assert.match(failure, /^\S+Z error failed\nError: no answer\n {4}at /)
})

test('what was logged is out when the process exits, however much it is', async () => {
  const module = JSON.stringify(import.meta.resolve('./log.ts'))
  const program = `const { log, useLog } = await import(${module})
    useLog('json', () => 'web-1')
    for (let n = 0; n < 5000; n++) log.info('x'.repeat(100), { n })
    log.fatal('the last')
    process.exit(3)`
  const ended = promisify(execFile)(process.execPath, ['--input-type=module', '-e', program])
  const { stdout, code } = await ended.catch(failed => failed)
  assert.equal(code, 3)
  const lines = stdout.trimEnd().split('\n')
  assert.equal(lines.length, 5001)
  assert.equal(JSON.parse(lines.at(-1)).msg, 'the last')
})

test('of many lines in a second some are written, and the next one says how many were not', () => {
  let now = 0
  const limit = new LineLimit(2, () => now)
  const leftOut: number[] = []
  const offer = (times: number) => {
    for (let n = 0; n < times; n++) limit.offer(count => leftOut.push(count))
  }
  offer(5)
  now = 999
  offer(1)
  now = 1000
  offer(1)
  assert.deepEqual(leftOut, [0, 0, 4])
  now = 5000
  offer(1)
  assert.deepEqual(leftOut, [0, 0, 4, 0])
})
