import { paintSight } from './paint-sight.ts'
import type { SkyOrder, SkyStart } from './sky-order.ts'
import { Swarm } from './swarm.ts'

// Draws the dots beside the page's own thread: their frames cost the page nothing, and come while it is busy too. It
// runs only while something moves.

const swarm = new Swarm()
let context: OffscreenCanvasRenderingContext2D | null = null
let stage: SkyOrder['stage'] = { left: 0, width: 0, height: 0, covers: [], ratio: 1 }
let moving = false

addEventListener('message', ({ data }: MessageEvent<SkyStart | SkyOrder>) => {
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
  paintSight(context, sight, stage.covers)
  requestAnimationFrame(draw)
}

function clear(
  on: OffscreenCanvasRenderingContext2D,
  { left, width, height, ratio }: SkyOrder['stage'],
): void {
  const size = { width: Math.round(width * ratio), height: Math.round(height * ratio) }
  if (on.canvas.width !== size.width || on.canvas.height !== size.height) Object.assign(on.canvas, size)
  on.setTransform(ratio, 0, 0, ratio, -left * ratio, 0)
  on.clearRect(left, 0, width, height)
}
