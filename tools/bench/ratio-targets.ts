import { number } from './harness/figure-texts.ts'
import type { Ratios } from './harness/ratios.ts'
import type { Target } from './target.ts'

/** What the board is held to beside its peers and its limit. */
export function ratioTargets(ratios: Ratios): Target[] {
  const target = (what: string, least: number, figure: number): Target => ({
    what: `page views/s against ${what}`,
    asked: `${least} ×`,
    found: `${number(figure)} ×`,
    figure,
    met: figure >= least,
  })
  return [
    target('Flask, the original', 8, ratios.flask_seed),
    target('the ordinary Next way', 25, ratios.naive_next),
    target('the limit', 0.8, ratios.limit),
  ]
}
