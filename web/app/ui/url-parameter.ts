/** The address with that parameter set, or without it when the value is empty; the others stay as they are. */
export function withParameter(href: string, name: string, value: string): string {
  const url = new URL(href)
  if (value === '') url.searchParams.delete(name)
  else url.searchParams.set(name, value)
  return url.href
}

/** What the address says under that name; empty when it says nothing. */
export function parameterOf(href: string, name: string): string {
  return new URL(href).searchParams.get(name) ?? ''
}
