import { commandSchema, type DashboardReport, openStream, TickRecord } from './arrivals.ts'

// Holds dashboards open, controlled by messages from its parent:
//   node tools/bench/dashboards/dashboard-process.ts <url> <count>

/** opened at a time */
const slice = 50

const [url = '', count = ''] = process.argv.slice(2)
const board = new URL(url)
const record = new TickRecord()
let lost = 0
const events = {
  onChange: (counter: number) =>
    record.arrived(counter, Math.round(performance.timeOrigin + performance.now())),
  onClose: () => {
    lost++
  },
}
const report = (message: DashboardReport) => process.send?.(message)

process.on('message', message => {
  if (commandSchema.parse(message) === 'begin') record.begin()
  else report({ lost, ticks: record.end() })
})
process.on('disconnect', () => process.exit())

for (let open = 0; open < Number(count); open += slice) {
  const more = Math.min(slice, Number(count) - open)
  await Promise.all(Array.from({ length: more }, () => openStream(board, events)))
}
report({ open: Number(count) })
