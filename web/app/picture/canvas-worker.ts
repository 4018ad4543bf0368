import { DotAnimation, type DotsMessage, type Frame, type StartMessage } from './animation.ts'
import type { Box } from './geometry.ts'

// Draws the dots beside the page's own thread: their frames cost the page nothing, and come while it is busy too. It
// runs only while something moves.

const swarm = new DotAnimation()
let context: OffscreenCanvasRenderingContext2D | null = null
let stage: DotsMessage['stage'] = { left: 0, width: 0, height: 0, covers: [], ratio: 1 }
let moving = false

addEventListener('message', ({ data }: MessageEvent<StartMessage | DotsMessage>) => {
  if ('canvas' in data) {
    context = data.canvas.getContext('2d')
    return
  }
  stage = data.stage
  const now = performance.now()
  swarm.add(data.dots.map(({ leavesIn, ...dot }) => ({ ...dot, leavesAt: now + leavesIn })))
  if (!moving) requestAnimationFrame(draw)
  moving = true
})

function draw(): void {
  const sight = swarm.at(performance.now())
  moving = sight !== null
  if (!context) return
  clear(context, stage)
  if (!sight) return
  drawFrame(context, sight, stage.covers)
  requestAnimationFrame(draw)
}

function clear(
  on: OffscreenCanvasRenderingContext2D,
  { left, width, height, ratio }: DotsMessage['stage'],
): void {
  const size = { width: Math.round(width * ratio), height: Math.round(height * ratio) }
  if (on.canvas.width !== size.width || on.canvas.height !== size.height) Object.assign(on.canvas, size)
  on.setTransform(ratio, 0, 0, ratio, -left * ratio, 0)
  on.clearRect(left, 0, width, height)
}

const radius = 4
const ownRadius = 8
/** px of a ring that begins to answer, and how far it widens. */
const ringRadius = 9
const widens = 5

/** Draws one moment. What dots pass beneath is kept free. */
function drawFrame(canvas: OffscreenCanvasRenderingContext2D, sight: Frame, covers: Box[]): void {
  for (const { dot, at } of sight.dots) {
    const { hue, edge, hollow } = dot
    if (edge !== null) circle(canvas, at, ownRadius, edge)
    if (hollow) ring(canvas, at, radius - 1, 2, hue)
    else circle(canvas, at, radius, hue)
  }
  for (const { x, y, width, height } of covers) canvas.clearRect(x, y, width, height)
  for (const { dot, part } of sight.answers) {
    canvas.globalAlpha = 1 - part
    ring(canvas, dot.ring, ringRadius + widens * part, 3, dot.hue)
  }
  canvas.globalAlpha = 1
}

type Canvas = OffscreenCanvasRenderingContext2D
type Centre = { x: number; y: number }

function circle(canvas: Canvas, { x, y }: Centre, radius: number, colour: string): void {
  canvas.fillStyle = colour
  canvas.beginPath()
  canvas.arc(x, y, radius, 0, 2 * Math.PI)
  canvas.fill()
}

function ring(canvas: Canvas, { x, y }: Centre, radius: number, width: number, colour: string): void {
  canvas.strokeStyle = colour
  canvas.lineWidth = width
  canvas.beginPath()
  canvas.arc(x, y, radius, 0, 2 * Math.PI)
  canvas.stroke()
}
