// Grafana's dashboards. `panels.ts` has the kinds of panel, `balance.ts` and `replica.ts` the panels.
//   npm run dashboards                                   writes them from code to `dashboards/`, which Grafana reads
//   npm run dashboards:check -- http://127.0.0.1:9090    runs their queries on a Prometheus and says which return data
// The check ends with status 1 if a query fails, or if fewer than 85 % return data. Run it while the board has visitors.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { balanceDashboard } from './balance.ts'
import { replicaDashboard } from './replica.ts'

export const dashboardFolder = join(import.meta.dirname, 'dashboards')

/** The files in `dashboards/` by name, and their text. */
export const dashboardFiles = Object.fromEntries(
  Object.entries({ 'balance.json': balanceDashboard, 'replica.json': replicaDashboard }).map(
    ([name, dashboard]) => [name, `${JSON.stringify(dashboard, null, 2)}\n`],
  ),
)

const dashboard = z.looseObject({
  title: z.string(),
  templating: z.object({
    list: z.array(z.looseObject({ name: z.string(), query: z.string() })).default([]),
  }),
  panels: z.array(
    z.looseObject({
      title: z.string(),
      targets: z.array(z.looseObject({ refId: z.string(), expr: z.string() })).default([]),
    }),
  ),
})
/** A dashboard's file, as far as its queries need it. */
type Dashboard = z.infer<typeof dashboard>

const configuration = z.object({ data: z.object({ yaml: z.string() }) })
const instantAnswer = z.object({
  data: z.object({ result: z.array(z.object({ metric: z.record(z.string(), z.string()) })) }),
})
const rangeAnswer = z.object({
  data: z.object({ result: z.array(z.object({ values: z.array(z.tuple([z.number(), z.string()])) })) }),
})

/** The least share of queries that must return data while the board has visitors. */
export const leastShare = 0.85

/** s: the dashboards look back so far, as `$__range` says */
const lookBack = 300

/** A query as it was sent, and what came: series with at least one number, and the error of a query that Prometheus refused. */
type QueryResult = { dashboard: string; panel: string; query: string; series: number; error?: string }

/** The dashboards that Grafana reads. */
export function readDashboards(): Dashboard[] {
  return readdirSync(dashboardFolder)
    .filter(name => name.endsWith('.json'))
    .map(name => dashboard.parse(JSON.parse(readFileSync(join(dashboardFolder, name), 'utf8'))))
}

/**
 * Runs all queries of all dashboards over the last five minutes, with Grafana's variables replaced as Grafana does.
 * @throws if Prometheus at `url` does not answer, or knows no value of a dashboard's variable
 */
export async function runQueries(url: string): Promise<QueryResult[]> {
  const interval = await scrapeInterval(url)
  const results: QueryResult[] = []
  for (const { title, templating, panels } of readDashboards()) {
    const variables = new Map([
      ['__rate_interval', `${4 * interval}s`],
      ['__interval', `${interval}s`],
      ['__range', `${lookBack}s`],
    ])
    for (const { name, query } of templating.list) variables.set(name, await firstValue(url, query))
    for (const panel of panels) {
      for (const { expr } of panel.targets) {
        const query = expr.replace(/\$(\w+)/g, (whole, name: string) => variables.get(name) ?? whole)
        results.push({ dashboard: title, panel: panel.title, query, ...(await run(url, query, interval)) })
      }
    }
  }
  return results
}

/** Share of the queries that returned data, from 0 to 1. */
export function shareWithData(results: QueryResult[]): number {
  return results.filter(({ series }) => series > 0).length / results.length
}

async function run(url: string, query: string, step: number): Promise<{ series: number; error?: string }> {
  const end = Date.now() / 1000
  const body = new URLSearchParams({
    query,
    start: String(end - lookBack),
    end: String(end),
    step: String(step),
  })
  const answer = await fetch(`${url}/api/v1/query_range`, { method: 'POST', body })
  if (!answer.ok) return { series: 0, error: await answer.text() }
  const { result } = rangeAnswer.parse(await answer.json()).data
  return { series: result.filter(({ values }) => values.some(([, value]) => value !== 'NaN')).length }
}

/** Prometheus's global scrape interval in s. */
async function scrapeInterval(url: string): Promise<number> {
  const { yaml } = configuration.parse(await readJson(`${url}/api/v1/status/config`)).data
  const [, minutes = '0', seconds = '0'] = /scrape_interval: (?:(\d+)m)?(?:(\d+)s)?/.exec(yaml) ?? []
  return Number(minutes) * 60 + Number(seconds)
}

/** The first value now of a variable with a query like `label_values(metric, label)`. */
async function firstValue(url: string, query: string): Promise<string> {
  const [, metric = '', label = ''] = /^label_values\((\w+), (\w+)\)$/.exec(query) ?? []
  const answer = await readJson(`${url}/api/v1/query?${new URLSearchParams({ query: metric })}`)
  const value = instantAnswer.parse(answer).data.result[0]?.metric[label]
  if (value === undefined) throw new Error(`${query} has no value on ${url}`)
  return value
}

async function readJson(url: string): Promise<unknown> {
  const answer = await fetch(url)
  if (!answer.ok) throw new Error(`${url} answered ${answer.status}: ${await answer.text()}`)
  return answer.json()
}

/** Prints the queries without data. Sets the exit status. */
async function checkQueries(url: string): Promise<void> {
  const results = await runQueries(url)
  for (const { dashboard, panel, query, series, error } of results)
    if (series === 0) console.log(`${dashboard}, ${panel}: ${error ?? 'no data'}: ${query}`)
  const share = shareWithData(results)
  console.log(`${Math.round(100 * share)} % of ${results.length} queries return data`)
  if (share < leastShare || results.some(({ error }) => error !== undefined)) process.exitCode = 1
}

if (import.meta.main) {
  const [command, url = 'http://127.0.0.1:9090'] = process.argv.slice(2)
  if (command === 'check') await checkQueries(url)
  else if (command === 'write')
    for (const [name, text] of Object.entries(dashboardFiles))
      writeFileSync(join(dashboardFolder, name), text)
  else throw new Error('the command is write or check')
}
