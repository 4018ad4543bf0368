// `npm run bench:growth`: what page views and dashboards cost as things grow. Prints tables, and draws pictures/ anew.
// --short only shows that all of it works, and draws nothing; --only log-rows, which may be given again, leaves out the rest.
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { buildIfChanged } from '../launcher/build-if-changed.ts'
import { growByConnections } from './by-connections.ts'
import { growByDashboards } from './by-dashboards.ts'
import { growByLogRows } from './by-log-rows.ts'
import { growByReplicas } from './by-replicas.ts'
import { fullGrowth, shortGrowth } from './extent.ts'
import { benchCommand } from './harness/bench-command.ts'
import { machineText } from './harness/machine-text.ts'
import { markdownTable } from './harness/markdown-table.ts'
import { say } from './harness/say.ts'
import { plotSvg } from './plot-svg.ts'

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
