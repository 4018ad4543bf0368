/** How many page views were answered with each error, by its code. */
export type ErrorCodes = Record<string, number>

/** `overloaded:3,outcome_unknown:1`, as a server's row has it. A page view has half a dozen codes: 255 characters hold them. */
export function toColumn(codes: ErrorCodes): string {
  return Object.entries(codes)
    .map(([code, count]) => `${code}:${count}`)
    .join()
}

/** Nothing where nothing is said. */
export function fromColumn(text: string | null): ErrorCodes {
  return Object.fromEntries(
    [...(text ?? '').matchAll(/(\w+):(\d+)/g)].map(([, code = '', count]) => [code, Number(count)]),
  )
}
