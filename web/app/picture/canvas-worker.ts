// Draws dots and commits in a worker: the frames cost the page's own thread nothing, and continue while it is busy. The
// worker draws only while something moves.

import {
  FlightAnimation,
  type FlightsMessage,
  type Frame,
  type Look,
  type StartMessage,
} from './animation.ts'
import { type Curve, capsuleWidth, type Point } from './geometry.ts'

type Context = OffscreenCanvasRenderingContext2D

const animation = new FlightAnimation()
let context: Context | null = null
let scene: Omit<FlightsMessage, 'flights'> | null = null
let moving = false

addEventListener('message', ({ data }: MessageEvent<StartMessage | FlightsMessage>) => {
  if ('canvas' in data) {
    context = data.canvas.getContext('2d')
    return
  }
  const { flights, ...rest } = data
  scene = rest
  const now = performance.now()
  animation.add(flights.map(({ leavesIn, ...flight }) => ({ ...flight, leavesAt: now + leavesIn })))
  if (!moving) requestAnimationFrame(draw)
  moving = true
})

function draw(): void {
  const frame = animation.at(performance.now())
  moving = frame !== null
  if (!context || !scene) return
  clear(context, scene.area)
  if (!frame) return
  drawFrame(context, frame, scene)
  requestAnimationFrame(draw)
}

function clear(context: Context, { left, width, height, ratio }: FlightsMessage['area']): void {
  const { canvas } = context
  const size = { width: Math.round(width * ratio), height: Math.round(height * ratio) }
  if (canvas.width !== size.width || canvas.height !== size.height) Object.assign(canvas, size)
  context.setTransform(ratio, 0, 0, ratio, -left * ratio, 0)
  context.clearRect(left, 0, width, height)
}

/** Sizes in px. */
const dotRadius = 4
const ownDotRadius = 8
const movedRadius = 7
const crossSize = 5
const ringRadius = 8
/** how far a ring grows while it shows an arrival */
const ringGrowth = 6
const capsuleHeight = 8

/** how much of a rule's colour covers its text */
const ruleStrength = 0.1

/** Draws what flies, clears what it passes under, then draws what answers. */
function drawFrame(
  context: Context,
  frame: Frame,
  { area, rules, light }: Omit<FlightsMessage, 'flights'>,
): void {
  for (const { curve, look } of frame.bends) dashed(context, curve, look.colour)
  for (const { look, at } of frame.marks) mark(context, look, at)
  drawSizes(context, frame)
  for (const { x, y, width, height } of area.covers) context.clearRect(x, y, width, height)
  for (const { rule, progress } of frame.rules) {
    const { x, y, width, height } = rules[rule]
    context.globalAlpha = ruleStrength * (1 - progress)
    context.fillStyle = light
    context.fillRect(x, y, width, height)
  }
  for (const { ring, hue, progress } of frame.answers) {
    context.globalAlpha = 1 - progress
    circle(context, ring, ringRadius + ringGrowth * progress, 2, hue)
  }
  for (const { at, colour, progress } of frame.crosses) {
    context.globalAlpha = 1 - progress ** 3
    cross(context, at, colour)
  }
  context.globalAlpha = 1
}

function mark(context: Context, look: Look, at: Point): void {
  if (look.shape === 'capsule') {
    capsule(context, look, at)
    return
  }
  const { colour, hollow, halo, ring } = look
  if (halo !== null) disc(context, at, ownDotRadius, halo)
  if (ring !== undefined) circle(context, at, movedRadius, 1.5, ring)
  if (hollow) circle(context, at, dotRadius - 1, 2, colour)
  else disc(context, at, dotRadius, colour)
}

function capsule(context: Context, look: Extract<Look, { shape: 'capsule' }>, { x, y }: Point): void {
  const width = capsuleWidth(look.hits)
  const end = (width - capsuleHeight) / 2
  context.beginPath()
  context.arc(x - end, y, capsuleHeight / 2, Math.PI / 2, -Math.PI / 2)
  context.arc(x + end, y, capsuleHeight / 2, -Math.PI / 2, Math.PI / 2)
  context.closePath()
  if (look.hollow) {
    context.strokeStyle = look.colour
    context.lineWidth = 2
    context.stroke()
  } else {
    context.fillStyle = look.colour
    context.fill()
  }
}

/** Room in px that a commit's size needs. */
const sizeRoom = { x: 28, y: 14 }

/** The number of hits over each commit with several, unless it would cover another number. */
function drawSizes(context: Context, { marks }: Frame): void {
  context.font = '600 12px system-ui, sans-serif'
  context.textAlign = 'center'
  const drawn: Point[] = []
  for (const { look, at } of marks) {
    if (look.shape !== 'capsule' || look.hits === 1) continue
    const covers = ({ x, y }: Point) => Math.abs(x - at.x) < sizeRoom.x && Math.abs(y - at.y) < sizeRoom.y
    if (drawn.some(covers)) continue
    drawn.push(at)
    context.fillStyle = look.text
    context.fillText(`×${look.hits}`, at.x, at.y - capsuleHeight)
  }
}

function dashed(context: Context, [from, first, second, to]: Curve, colour: string): void {
  context.strokeStyle = colour
  context.lineWidth = 1
  context.setLineDash([3, 3])
  context.beginPath()
  context.moveTo(from.x, from.y)
  context.bezierCurveTo(first.x, first.y, second.x, second.y, to.x, to.y)
  context.stroke()
  context.setLineDash([])
}

function cross(context: Context, { x, y }: Point, colour: string): void {
  context.strokeStyle = colour
  context.lineWidth = 2
  context.beginPath()
  context.moveTo(x - crossSize, y - crossSize)
  context.lineTo(x + crossSize, y + crossSize)
  context.moveTo(x + crossSize, y - crossSize)
  context.lineTo(x - crossSize, y + crossSize)
  context.stroke()
}

function disc(context: Context, { x, y }: Point, radius: number, colour: string): void {
  context.fillStyle = colour
  context.beginPath()
  context.arc(x, y, radius, 0, 2 * Math.PI)
  context.fill()
}

function circle(context: Context, { x, y }: Point, radius: number, width: number, colour: string): void {
  context.strokeStyle = colour
  context.lineWidth = width
  context.beginPath()
  context.arc(x, y, radius, 0, 2 * Math.PI)
  context.stroke()
}
