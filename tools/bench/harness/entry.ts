import type { Count } from './count.ts'

/** One line of the comparison: an address that page views are asked of, and whose processes answer them. */
export type Entry = {
  name: string
  url: string
  /** srv_ids that visitors come with; none = they are strangers */
  cookies: string[]
  /** process groups */
  servers: number[]
  nginx: number
  /** null = nothing is counted */
  count: Count | null
}
