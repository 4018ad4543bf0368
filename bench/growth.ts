// `npm run bench:growth`: what page views and dashboards cost as things grow. Prints tables, and draws pictures/ anew.
// --short only shows that all of it works, and draws nothing; --only log-rows, which may be given again, leaves out the rest.
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { buildIfChanged } from '../local/build/build-if-changed.ts'
import { benchCommand } from './bench-command.ts'
import { markdownTable } from './figures/markdown-table.ts'
import { growByConnections } from './growth/by-connections.ts'
import { growByDashboards } from './growth/by-dashboards.ts'
import { growByLogRows } from './growth/by-log-rows.ts'
import { growByReplicas } from './growth/by-replicas.ts'
import { fullGrowth, shortGrowth } from './growth/extent.ts'
import { plotSvg } from './plots/plot-svg.ts'
import { machineText } from './report/machine-text.ts'
import { say } from './say.ts'

const growths = {
  replicas: growByReplicas,
  connections: growByConnections,
  dashboards: growByDashboards,
  'log-rows': growByLogRows,
}
const { values } = parseArgs({
  options: { short: { type: 'boolean', default: false }, only: { type: 'string', multiple: true } },
})
const unknown = values.only?.find(name => !(name in growths))
if (unknown !== undefined)
  throw new TypeError(`there is no ${unknown}; there are ${Object.keys(growths).join(', ')}`)
const pictures = join(import.meta.dirname, 'pictures')

await benchCommand(async ground => {
  await buildIfChanged(say, ground.site.signal)
  console.log(await machineText())
  for (const [name, grow] of Object.entries(growths)) {
    if (values.only && !values.only.includes(name)) continue
    const { title, head, rows, plots } = await grow(ground, values.short ? shortGrowth : fullGrowth)
    console.log(`\n**${title}**\n\n${markdownTable(head, rows)}`)
    if (values.short) continue
    await mkdir(pictures, { recursive: true })
    for (const [name, plot] of Object.entries(plots)) {
      await writeFile(join(pictures, `${name}.svg`), plotSvg(plot))
    }
  }
})
