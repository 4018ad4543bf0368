/** Travelling, ms. */
export const flightMs = 550
/** The dots of one look at the board leave over this time, since its hits did not come in all at once. */
const departuresMs = 450

/** A hit on its way. */
export type Flight = {
  server: number
  /** ms from now */
  leavesIn: number
  /** this visit's own */
  own: boolean
  /** a little off the line's middle, -1 to 1, so that dots beside each other can be told apart */
  aside: number
}

/** Dots leave in a mixed order, evenly over the time until the next look. */
export function launch(dots: ReadonlyMap<number, number>, random: () => number): Flight[] {
  const servers = [...dots].flatMap(([server, count]) => Array.from({ length: count }, () => server))
  const mixed = servers
    .map(server => ({ server, place: random() }))
    .sort((one, other) => one.place - other.place)
  return mixed.map(({ server }, place) => ({
    server,
    leavesIn: (place / mixed.length) * departuresMs,
    own: false,
    aside: random() * 2 - 1,
  }))
}

export function launchOwn(server: number): Flight {
  return { server, leavesIn: 0, own: true, aside: 0 }
}
