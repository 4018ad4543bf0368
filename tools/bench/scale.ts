/** Where a figure stands between 0 and 1, and the figures to name along the way. */
export type Scale = { place: (figure: number) => number; ticks: number[] }

/** From 0 to a round figure that is not below the highest. */
export function linearScale(figures: number[]): Scale {
  const highest = Math.max(...figures, 0) || 1
  const step = roundStep(highest / 4)
  const steps = Math.ceil(highest / step)
  return {
    place: figure => figure / (steps * step),
    ticks: Array.from({ length: steps + 1 }, (_, index) => index * step),
  }
}

/** From the lowest to the highest: equal ratios are equally far apart. Every figure is named. */
export function logScale(figures: number[]): Scale {
  const ticks = [...new Set(figures)].sort((a, b) => a - b)
  const [low, high] = [Math.log(ticks[0] ?? 1), Math.log(ticks.at(-1) ?? 1)]
  return { place: figure => (high === low ? 0 : (Math.log(figure) - low) / (high - low)), ticks }
}

/** 1, 2 or 5 times a power of ten, not below `step`. */
function roundStep(step: number): number {
  const power = 10 ** Math.floor(Math.log10(step))
  return ([1, 2, 5].find(factor => factor * power >= step) ?? 10) * power
}
