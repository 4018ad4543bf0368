/** A blank as wide as a digit. */
const figureSpace = '\u2007'

/** A rate that goes up and down over the hundred begins where it began. */
export function padRate(rate: string): string {
  return rate.padStart(3, figureSpace)
}
