// Guards check data that the browser receives. They are written by hand, because a schema library would weigh more than all
// of the page's code. The guards of answers are beside their types in api.ts; the types make sure that no field is missing.

/** Checks data that comes in. */
export type Guard<T> = (value: unknown) => value is T

export const isNumber: Guard<number> = (value): value is number => Number.isFinite(value)

export const isText: Guard<string> = (value): value is string => typeof value === 'string'

export const isFlag: Guard<boolean> = (value): value is boolean => typeof value === 'boolean'

/** An ISO 8601 time that can be reckoned with. */
export const isTime: Guard<string> = (value): value is string =>
  isText(value) && !Number.isNaN(Date.parse(value))

export function oneOf<T extends string>(...words: T[]): Guard<T> {
  return (value): value is T => words.some(word => word === value)
}

export function orNull<T>(guard: Guard<T>): Guard<T | null> {
  return (value): value is T | null => value === null || guard(value)
}

/** A field that may be missing. */
export function optional<T>(guard: Guard<T>): Guard<T | undefined> {
  return (value): value is T | undefined => value === undefined || guard(value)
}

export function listOf<T>(guard: Guard<T>): Guard<T[]> {
  return (value): value is T[] => Array.isArray(value) && value.every(guard)
}

/** An object whose fields, whatever their names, are all of a kind. */
export function recordOf<T>(guard: Guard<T>): Guard<Record<string, T>> {
  return (value): value is Record<string, T> =>
    typeof value === 'object' && value !== null && !Array.isArray(value) && Object.values(value).every(guard)
}

/** An object with at least these fields. */
export function shapeOf<T extends object>(fields: { [Field in keyof T]-?: Guard<T[Field]> }): Guard<T> {
  const checks: [string, Guard<unknown>][] = Object.entries(fields)
  return (value): value is T => {
    if (typeof value !== 'object' || value === null) return false
    return checks.every(([field, guard]) => guard(Reflect.get(value, field)))
  }
}

/** What the text says, or null when it is not that. */
export function readAs<T>(guard: Guard<T>, json: string): T | null {
  try {
    const value: unknown = JSON.parse(json)
    return guard(value) ? value : null
  } catch {
    return null
  }
}
