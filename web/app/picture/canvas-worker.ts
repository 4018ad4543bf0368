import { DotAnimation, type DotsMessage, type Frame, type StartMessage } from './animation.ts'
import type { Box, Point } from './geometry.ts'

// Draws the dots in a worker: the frames cost the page's own thread nothing, and continue while it is busy. The worker
// draws only while something moves.

type Context = OffscreenCanvasRenderingContext2D

const animation = new DotAnimation()
let context: Context | null = null
let area: DotsMessage['area'] = { left: 0, width: 0, height: 0, covers: [], ratio: 1 }
let moving = false

addEventListener('message', ({ data }: MessageEvent<StartMessage | DotsMessage>) => {
  if ('canvas' in data) {
    context = data.canvas.getContext('2d')
    return
  }
  area = data.area
  const now = performance.now()
  animation.add(data.dots.map(({ leavesIn, ...dot }) => ({ ...dot, leavesAt: now + leavesIn })))
  if (!moving) requestAnimationFrame(draw)
  moving = true
})

function draw(): void {
  const frame = animation.at(performance.now())
  moving = frame !== null
  if (!context) return
  clear(context, area)
  if (!frame) return
  drawFrame(context, frame, area.covers)
  requestAnimationFrame(draw)
}

function clear(context: Context, { left, width, height, ratio }: DotsMessage['area']): void {
  const { canvas } = context
  const size = { width: Math.round(width * ratio), height: Math.round(height * ratio) }
  if (canvas.width !== size.width || canvas.height !== size.height) Object.assign(canvas, size)
  context.setTransform(ratio, 0, 0, ratio, -left * ratio, 0)
  context.clearRect(left, 0, width, height)
}

/** Sizes in px. */
const dotRadius = 4
const ownDotRadius = 8
const ringRadius = 9
/** how far a ring grows while it shows an arrival */
const ringGrowth = 5

/** Draws the dots, clears what they pass under, then draws the rings. */
function drawFrame(context: Context, { dots, answers }: Frame, covers: Box[]): void {
  for (const { dot, at } of dots) {
    const { hue, edge, hollow } = dot
    if (edge !== null) disc(context, at, ownDotRadius, edge)
    if (hollow) ring(context, at, dotRadius - 1, 2, hue)
    else disc(context, at, dotRadius, hue)
  }
  for (const { x, y, width, height } of covers) context.clearRect(x, y, width, height)
  for (const { dot, progress } of answers) {
    context.globalAlpha = 1 - progress
    ring(context, dot.ring, ringRadius + ringGrowth * progress, 3, dot.hue)
  }
  context.globalAlpha = 1
}

function disc(context: Context, { x, y }: Point, radius: number, colour: string): void {
  context.fillStyle = colour
  context.beginPath()
  context.arc(x, y, radius, 0, 2 * Math.PI)
  context.fill()
}

function ring(context: Context, { x, y }: Point, radius: number, width: number, colour: string): void {
  context.strokeStyle = colour
  context.lineWidth = width
  context.beginPath()
  context.arc(x, y, radius, 0, 2 * Math.PI)
  context.stroke()
}
