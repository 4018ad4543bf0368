import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readTrace, type TraceEvent } from './browser-performance.ts'

const named = (pid: number, tid: number, name: string): TraceEvent => ({
  name: 'thread_name',
  ph: 'M',
  pid,
  tid,
  ts: 0,
  args: { name },
})
const task = (tid: number, ms: number, runningMs = ms): TraceEvent => ({
  name: 'RunTask',
  ph: 'X',
  pid: 1,
  tid,
  ts: 0,
  dur: ms * 1000,
  tdur: runningMs * 1000,
})
const frame = (ms: number): TraceEvent => ({
  name: 'Display::FrameDisplayed',
  ph: 'I',
  pid: 2,
  tid: 1,
  ts: ms * 1000,
})

test('long tasks are those of the page’s main thread, in clock and processor time', () => {
  const figures = readTrace([
    named(1, 1, 'CrRendererMain'),
    named(1, 2, 'Compositor'),
    task(1, 20),
    task(1, 60, 10),
    task(1, 130, 30),
    task(2, 500),
    frame(0),
    frame(20),
  ])
  assert.deepEqual(
    [figures.over50, figures.over100, figures.longestTask, figures.longestTaskRunning],
    [2, 1, 130, 30],
  )
})

test('the frame rate comes from the time between frames, in any order of events', () => {
  const figures = readTrace([named(1, 1, 'CrRendererMain'), task(1, 1), frame(0), frame(70), frame(20)])
  assert.equal(Math.round(figures.framesPerSecond * 10) / 10, 28.6)
  assert.equal(figures.longestGap, 50)
})

test('a trace without a page is refused', () => {
  assert.throws(() => readTrace([frame(0), frame(20)]))
})
