/** One line of the comparison: an address that page views are asked of, and whose processes answer them. */
export type Entry = {
  name: string
  url: string
  /** srv_ids that visitors come with; none = they are strangers */
  cookies: string[]
  /** process groups */
  servers: number[]
  nginx: number
  /** reads the counter and whether all agrees with it; null = nothing is counted */
  readCount: (() => Promise<{ counter: number; consistent: boolean }>) | null
}
