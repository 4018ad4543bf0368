import assert from 'node:assert/strict'
import { test } from 'node:test'
import { unanswered } from '../../lib/visitors.ts'
import { nginxKilled } from '../list/nginx.ts'
import { findIn } from './findings.ts'
import { asMarkdown, columns, rowOf, unreportedText } from './report.ts'

const row = (id: number) => ({ id, requestId: `r${id}`, clientIp: '127.1.0.1', serverId: 1, at: '' })
const views = [1, 2, 3, 4].map(() => ({ ...unanswered('127.1.0.1'), took: 1260 }))

const trial = {
  fault: nginxKilled,
  replicas: 3,
  injectedAt: 0,
  overAt: 0,
  views,
  findings: findIn(views, 0, {
    counter: 4,
    maxId: 4,
    rows: 4,
    sumHits: 4,
    logged: [row(1), row(2), row(3), row(9)],
  }),
  recovery: null,
  residue: { mostMemory: 0, queued: 0, streams: 0 },
  complaints: [],
}

test('a trial is a table row: page views, failures, slowest answer, time to recover', () => {
  const cells = rowOf(trial)
  assert.equal(cells.length, columns.length)
  assert.equal(asMarkdown(cells), '| NGINX killed | 4 | 4 | 0 | 0 | 1.3 s | never |')
})

test('numbers in no answer are listed, runs of them by their ends', () => {
  assert.equal(
    unreportedText(trial),
    'in the log, and in no answer: 4 (1–3, 9) of visitors that got no answer',
  )
})
