// `npm run dashboards` writes Grafana's dashboards from code to `dashboards/`, which Grafana reads. `panels.ts` has the kinds of
// panel, `balance.ts` and `replica.ts` the panels. `check-queries.ts` runs their queries on a Prometheus.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { balanceDashboard } from './balance.ts'
import { replicaDashboard } from './replica.ts'

export const dashboardFolder = join(import.meta.dirname, 'dashboards')

/** The files in `dashboards/` by name, and their text. */
export const dashboardFiles = Object.fromEntries(
  Object.entries({ 'balance.json': balanceDashboard, 'replica.json': replicaDashboard }).map(
    ([name, dashboard]) => [name, `${JSON.stringify(dashboard, null, 2)}\n`],
  ),
)

if (import.meta.main)
  for (const [name, text] of Object.entries(dashboardFiles)) writeFileSync(join(dashboardFolder, name), text)
