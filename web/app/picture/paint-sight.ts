import type { Box } from './measure-stage.ts'
import type { Sight } from './swarm.ts'

const radius = 4
const ownRadius = 8
/** px of a ring that begins to answer, and how far it widens. */
const ringRadius = 9
const widens = 5

/** Draws one moment. What dots pass beneath is kept free. */
export function paintSight(canvas: OffscreenCanvasRenderingContext2D, sight: Sight, covers: Box[]): void {
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
