import { openStream, orderSchema, TickRecord, type Word } from './arrivals.ts'

// Holds open dashboards: node tools/bench/dashboards/dashboard-process.ts <url> <count>, told what to do by the process that forked it.

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
const tell = (word: Word) => process.send?.(word)

process.on('message', message => {
  if (orderSchema.parse(message) === 'begin') record.begin()
  else tell({ lost, ticks: record.end() })
})
process.on('disconnect', () => process.exit())

for (let open = 0; open < Number(count); open += slice) {
  const more = Math.min(slice, Number(count) - open)
  await Promise.all(Array.from({ length: more }, () => openStream(board, events)))
}
tell({ open: Number(count) })
