/** Which rows of the log; empty = all. Names as in the page's own address. */
export type LogChoice = { srv_id: string; client_ip: string }

export const all: LogChoice = { srv_id: '', client_ip: '' }

export function isAll({ srv_id, client_ip }: LogChoice): boolean {
  return srv_id === '' && client_ip === ''
}

/** The number below which an older page begins, from the page's address; null = the newest, or no number at all. */
export function placeInLog(text: string): number | null {
  return /^[1-9]\d{0,14}$/.test(text) ? Number(text) : null
}

/** The address of the chosen rows under `path`, from below number `before` on. */
export function logUrl(path: string, choice: LogChoice, before: number | null = null): string {
  const query = new URLSearchParams()
  for (const [name, value] of Object.entries(choice)) if (value !== '') query.set(name, value)
  if (before !== null) query.set('before', String(before))
  return query.size > 0 ? `${path}?${query}` : path
}
