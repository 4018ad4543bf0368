import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Snapshot } from '../../shared/api.ts'
import { serve } from '../../testing/endpoints.ts'
import { AnswerError } from '../errors.ts'
import { counterUnavailable, OutcomeUnknown, overloaded, shuttingDown } from '../hits/errors.ts'
import { ProblemPages } from '../render/problem-pages.ts'
import type { RenderPage } from '../render/render-template.ts'
import { pageProblem } from './page-problem.ts'

const snapshot: Snapshot = { counter: 41, at: '', servers: [], earlier_hits: 0, log: [] }
const boardText = 'the board, counter 41'

/** Stands in for Next: prints what the page would, and the nonce as Next finds it in the policy. */
const renderPage: RenderPage = async ({ problem, snapshot: shown }, headers) => {
  const nonce = /'nonce-([^']+)'/.exec(headers['content-security-policy'] ?? '')?.[1]
  return `<script nonce="${nonce}">the board, counter ${shown.counter}: ${problem?.code}: ${problem?.message}</script>`
}

/** What is answered to a page view that failed so. */
async function answerTo(error: AnswerError, accept = 'text/html', latest: Snapshot | null = snapshot) {
  const problems = new ProblemPages({
    latest: () => latest,
    renderPage,
    server: { id: 1, name: 'web-1', address: '127.0.0.1:3001', srv_id: 'a'.repeat(32) },
    stickySeconds: 300,
    development: false,
  })
  const board = await serve(() => Promise.reject(error), pageProblem(problems, false))
  try {
    const answer = await fetch(board.url, { headers: { Accept: accept } })
    return { answer, text: await answer.text() }
  } finally {
    await board.close()
  }
}

for (const error of [counterUnavailable(), new OutcomeUnknown()]) {
  test(`${error.code}: a person gets the board, and why nothing was counted`, async () => {
    const { answer, text } = await answerTo(error)
    assert.equal(answer.status, 503)
    assert.equal(answer.headers.get('retry-after'), '1')
    assert.equal(answer.headers.get('cache-control'), 'no-store')
    assert.equal(answer.headers.get('x-hit'), null)
    const nonce = /'nonce-([^']+)'/.exec(answer.headers.get('content-security-policy') ?? '')?.[1]
    assert.equal(text, `<script nonce="${nonce}">${boardText}: ${error.code}: ${error.message}</script>`)
  })
}

const plain: AnswerError[] = [
  overloaded(),
  shuttingDown(),
  new AnswerError(500, 'internal_error', 'Not well.'),
]
for (const error of plain) {
  test(`${error.code}: a person gets a few plain words, not a board`, async () => {
    const { answer, text } = await answerTo(error)
    assert.equal(answer.status, error.status)
    assert.ok(text.includes(error.message))
    assert.ok(!text.includes(boardText))
    assert.match(answer.headers.get('content-security-policy') ?? '', /^default-src 'none'/)
  })
}

test('where there is no board to show, the plain words stand in for it', async t => {
  t.mock.method(console, 'error', () => {})
  const { answer, text } = await answerTo(counterUnavailable(), 'text/html', null)
  assert.deepEqual([answer.status, answer.headers.get('retry-after')], [503, '1'])
  assert.match(text, /Not now/)
})

test('a script gets the code and the message', async () => {
  const { answer, text } = await answerTo(overloaded(), 'application/json')
  assert.deepEqual([answer.status, answer.headers.get('retry-after')], [503, '5'])
  assert.equal(JSON.parse(text).error.code, 'overloaded')
})
