/** The lowest of web-1, web-2, … that is not in use. */
export function lowestFreeName(inUse: string[]): string {
  const taken = new Set(inUse)
  for (let n = 1; ; n++) {
    const name = `web-${n}`
    if (!taken.has(name)) return name
  }
}
