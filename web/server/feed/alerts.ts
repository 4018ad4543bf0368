import { z } from 'zod'
import type { FiringAlert } from '../../shared/api.ts'

/** ms for which one reading is used: Alertmanager itself groups alerts for longer. */
const keepMs = 5000
/** ms after which alerts that could not be read again are no longer known */
const forgetMs = 60_000
const timeoutMs = 2000
/** alerts shown at most */
const most = 10

/** Most urgent first. Other severities come last; `none` (the watchdog, which always fires) is left out. */
const severities = ['critical', 'page', 'warning', 'ticket']

/** Source: https://github.com/prometheus/alertmanager/blob/main/api/v2/openapi.yaml (getAlerts) */
const answer = z.array(
  z.object({
    labels: z.looseObject({ alertname: z.string(), severity: z.string().default('') }),
    annotations: z.looseObject({ summary: z.string().default('') }),
    startsAt: z.iso.datetime({ offset: true }).transform(text => new Date(text).toISOString()),
  }),
)

type Clock = () => number

/**
 * The alerts that fire, as Alertmanager lists them. They are requested only while a reader has the board open, in the
 * background, and at most once in 5 s for all readers. While Alertmanager does not answer, the last list is kept for a minute.
 */
export class FiringAlerts {
  readonly #read: () => Promise<FiringAlert[]>
  readonly #now: Clock
  #alerts: FiringAlert[] | null = null
  #requestedAt = Number.NEGATIVE_INFINITY
  #answeredAt = Number.NEGATIVE_INFINITY

  /** `now` is a steady clock, in ms */
  constructor(read: () => Promise<FiringAlert[]>, now: Clock = () => performance.now()) {
    this.#read = read
    this.#now = now
  }

  /**
   * The alerts last read, most urgent first: the same array until they change; null = not known. Starts a new reading if they
   * are old.
   */
  get current(): FiringAlert[] | null {
    const now = this.#now()
    if (now - this.#requestedAt >= keepMs) {
      this.#requestedAt = now
      void this.#refresh()
    }
    if (now - this.#answeredAt >= forgetMs) this.#alerts = null
    return this.#alerts
  }

  async #refresh(): Promise<void> {
    const alerts = await this.#read().catch(() => null)
    if (alerts === null) return
    this.#answeredAt = this.#now()
    if (JSON.stringify(alerts) !== JSON.stringify(this.#alerts)) this.#alerts = alerts
  }
}

/** Reads the alerts that fire and are neither silenced nor inhibited. @throws if Alertmanager gives no proper answer within 2 s */
export async function readAlertmanager(url: string): Promise<FiringAlert[]> {
  const query = 'api/v2/alerts?active=true&silenced=false&inhibited=false&unprocessed=false'
  const response = await fetch(new URL(query, url.replace(/\/*$/, '/')), {
    redirect: 'error',
    signal: AbortSignal.timeout(timeoutMs),
  })
  if (!response.ok) throw new Error(`Alertmanager answers ${response.status}`)
  return toFiringAlerts(answer.parse(await response.json()))
}

/** One entry per name: an alert can fire for several replicas or windows. */
function toFiringAlerts(alerts: z.output<typeof answer>): FiringAlert[] {
  const byName = new Map<string, FiringAlert>()
  for (const { labels, annotations, startsAt } of alerts.toSorted(byUrgency)) {
    if (labels.severity === 'none') continue
    const known = byName.get(labels.alertname)
    if (known) known.since = known.since < startsAt ? known.since : startsAt
    else
      byName.set(labels.alertname, { name: labels.alertname, summary: annotations.summary, since: startsAt })
  }
  return [...byName.values()].slice(0, most)
}

type Alert = z.output<typeof answer>[number]

function byUrgency(a: Alert, b: Alert): number {
  const rank = ({ labels }: Alert) => {
    const index = severities.indexOf(labels.severity)
    return index < 0 ? severities.length : index
  }
  return rank(a) - rank(b) || a.startsAt.localeCompare(b.startsAt)
}
