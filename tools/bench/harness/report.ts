import { availableParallelism, cpus, totalmem } from 'node:os'
import { findNginx } from '../../../nginx/find-nginx.ts'
import { findDatabaseServer } from '../../launcher/database-server/server-program.ts'
import type { Report } from '../../lib/terminal.ts'

/** Prints progress to standard error. Standard output holds only results. */
export const say: Report = (part, text) => console.error(`${part.padEnd(18)}${text}`)

const format = (maximumFractionDigits: number) => new Intl.NumberFormat('en-GB', { maximumFractionDigits })
const whole = format(0)
const fine = format(2)

/** "4,312" and "12.35" */
export const number = (figure: number) => (Math.abs(figure) < 100 ? fine : whole).format(figure)
export const megabytes = (bytes: number) => `${whole.format(bytes / 1e6)} MB`
export const kilobytes = (bytes: number) => `${fine.format(bytes / 1000)} kB`

/** A Markdown table, padded to read well as plain text: first column left, others right */
export function markdownTable(head: string[], rows: string[][]): string {
  const widths = head.map((title, column) =>
    Math.max(3, title.length, ...rows.map(row => row[column]?.length ?? 0)),
  )
  const line = (cells: string[]) =>
    `| ${widths.map((width, column) => pad(cells[column] ?? '', width, column)).join(' | ')} |`
  const rule = widths.map((width, column) => (column === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`))
  return [line(head), `| ${rule.join(' | ')} |`, ...rows.map(line)].join('\n')
}

const pad = (text: string, width: number, column: number) =>
  column === 0 ? text.padEnd(width) : text.padStart(width)

/** The machine and the versions, in one line */
export async function machineText(): Promise<string> {
  const [nginx, database] = await Promise.all([findNginx(), findDatabaseServer()])
  const gigabytes = Math.round(totalmem() / 1e9)
  return [
    `${availableParallelism()} cores (${cpus()[0]?.model.trim() || 'unknown'}), ${gigabytes} GB`,
    `Node ${process.versions.node}`,
    `NGINX ${nginx?.version}, ${nginx?.native ? 'native' : 'map-based'} sticky cookie`,
    `${database?.flavour} ${database?.version}`,
  ].join('; ')
}
