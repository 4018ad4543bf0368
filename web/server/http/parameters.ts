import { z } from 'zod'
import { BadParameter } from '../errors.ts'

/**
 * The query's parameters as `shape` takes them. Each may be given once, and none that is not in `shape`: a misspelt
 * filter must not look like one that matched everything.
 * @throws BadParameter saying which and why
 */
export function parseParameters<Shape extends z.ZodRawShape>(query: URLSearchParams, shape: Shape) {
  for (const name of query.keys()) {
    if (!Object.hasOwn(shape, name)) throw new BadParameter(name, `unknown; ${knownNames(shape)}`)
    if (query.getAll(name).length > 1) throw new BadParameter(name, 'given more than once')
  }
  const parsed = z.object(shape).safeParse(Object.fromEntries(query))
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  throw new BadParameter(issue?.path.join('.') ?? 'query', issue?.message ?? 'cannot be taken')
}

/** Digits only, without a leading zero, and small enough to be exact. */
export function positiveInteger(max = Number.MAX_SAFE_INTEGER) {
  const why =
    max === Number.MAX_SAFE_INTEGER ? 'must be a positive integer' : `must be an integer from 1 to ${max}`
  return z
    .string()
    .regex(/^[1-9]\d{0,15}$/, { error: why, abort: true })
    .transform(Number)
    .pipe(z.number().max(max, why))
}

function knownNames(shape: z.ZodRawShape): string {
  const names = Object.keys(shape)
  return names.length === 0 ? 'there are no parameters here' : `there are ${names.join(', ')}`
}
