// `npm run bench:growth`: what page views and dashboards cost as things grow. Prints tables, and draws pictures/ anew.
// --short only shows that all of it works, and draws nothing.
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

const { values } = parseArgs({ options: { short: { type: 'boolean', default: false } } })
const pictures = join(import.meta.dirname, 'pictures')

await benchCommand(async ground => {
  await buildIfChanged(say, ground.site.signal)
  console.log(await machineText())
  for (const grow of [growByReplicas, growByConnections, growByDashboards, growByLogRows]) {
    const { title, head, rows, plots } = await grow(ground, values.short ? shortGrowth : fullGrowth)
    console.log(`\n**${title}**\n\n${markdownTable(head, rows)}`)
    if (values.short) continue
    await mkdir(pictures, { recursive: true })
    for (const [name, plot] of Object.entries(plots)) {
      await writeFile(join(pictures, `${name}.svg`), plotSvg(plot))
    }
  }
})
