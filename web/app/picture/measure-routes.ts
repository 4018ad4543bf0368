import type { Route } from './flight-path.ts'

/** A server's place in the picture as it now stands in the window. */
export type Place = { route: Route; ring: Element | null }

/** Where each server's hits travel, by its life's id, in px from the picture's upper left corner. */
export function measurePlaces(stage: Element): Map<number, Place> {
  const origin = stage.getBoundingClientRect()
  const boxOf = (part: string) => {
    const box = stage.querySelector(`[data-part="${part}"]`)?.getBoundingClientRect() ?? origin
    return { left: box.left - origin.left, top: box.top - origin.top, width: box.width, height: box.height }
  }
  const [visitors, nginx, branches] = [boxOf('visitors'), boxOf('nginx'), boxOf('branches')]
  const upright = visitors.top + visitors.height <= nginx.top
  const spine = branches.left + branches.width / 2
  const middle = branches.top + branches.height / 2
  const fixed = upright
    ? {
        from: { x: spine, y: visitors.top + visitors.height },
        gate: { x: spine, y: nginx.top },
        fork: { x: spine, y: branches.top },
      }
    : {
        from: { x: visitors.left + visitors.width, y: middle },
        gate: { x: nginx.left, y: middle },
        fork: { x: branches.left, y: middle },
      }
  const places = new Map<number, Place>()
  for (const card of stage.querySelectorAll('[data-server]')) {
    const box = card.getBoundingClientRect()
    const to = { x: box.left - origin.left, y: box.top - origin.top + box.height / 2 }
    const route = { ...fixed, to, upright }
    places.set(Number(card.getAttribute('data-server')), {
      route,
      ring: card.querySelector('[data-part="ring"]'),
    })
  }
  return places
}
