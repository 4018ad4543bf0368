import { type FocusEvent, type KeyboardEvent, useState } from 'react'
import type { ServerRow } from '../../shared/api.ts'
import type { Hues } from '../live/live-board.ts'
import { Moment, ServerName, YouBadge } from '../ui/badges.tsx'
import { useFormats } from '../ui/formats.ts'
import { useHydrated } from '../ui/page-lifecycle.ts'
import { Cell, ColumnHeader, Row, RowHeader, Table, TableBody, TableHead } from '../ui/table.tsx'
import ui from '../ui/ui.module.css'
import styles from './log-panel.module.css'
import { explain, type LogFilter, type ShownRow } from './log-rows.ts'

/** Rows that a phone shows at first: the style counts them, too. */
export const phoneRows = 12

type Props = {
  rows: ShownRow[]
  /** "2026-11-26", in UTC: the times of other days have their day */
  day: string
  /** shows all rows, on a phone too */
  all: boolean
  hues: Hues
  servers: ServerRow[]
  /** number of the open row */
  opened: string | null
  onOpen(id: string): void
  onFilter(filter: Partial<LogFilter>): void
  busy: boolean
}

export function LogTable({ rows, day, all, hues, servers, opened, onOpen, onFilter, busy }: Props) {
  const { stop, followFocus, moveFocus } = useRowKeys(rows.length)
  const openedPlace = rows.findIndex(({ id }) => id === opened)
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: keys that reach it come from the rows' buttons
    <div
      aria-busy={busy}
      className={styles.busy}
      data-all={all ? '' : undefined}
      data-day={day}
      data-opened={openedPlace !== -1 && openedPlace < phoneRows ? '' : undefined}
      onFocus={followFocus}
      onKeyDown={moveFocus}
    >
      <Table label="Latest visits" className={styles.table}>
        <TableHead>
          <Row>
            <ColumnHeader>Number</ColumnHeader>
            <ColumnHeader>Server</ColumnHeader>
            <ColumnHeader>Why this server</ColumnHeader>
            <ColumnHeader>Visitor</ColumnHeader>
            <ColumnHeader>Time</ColumnHeader>
          </Row>
        </TableHead>
        <TableBody>
          {/* The index is the key: new rows change the texts in place, and nothing moves. */}
          {rows.flatMap((row, key) => {
            const open = row.id === opened
            const shown = (
              <LogTableRow
                key={key}
                place={key}
                row={row}
                day={day}
                hue={hues[row.srv_id]}
                open={open}
                isStop={key === stop}
                onOpen={onOpen}
              />
            )
            if (!open) return [shown]
            return [shown, <WhyRow key={`${key} why`} row={row} servers={servers} onFilter={onFilter} />]
          })}
        </TableBody>
      </Table>
    </div>
  )
}

const rowButtons = 'button[data-place]'

/**
 * The rows' buttons as one stop of the Tab key: the arrow keys, Home and End move between them. `stop`: the place of the row
 * that Tab reaches. Hidden rows are skipped.
 */
function useRowKeys(rows: number) {
  const [place, setPlace] = useState(0)
  const placeOf = (button: Element | null) => Number(button?.getAttribute('data-place') ?? Number.NaN)

  function followFocus({ target }: FocusEvent<HTMLElement>): void {
    if (target.matches(rowButtons)) setPlace(placeOf(target))
  }

  function moveFocus(event: KeyboardEvent<HTMLElement>): void {
    const { key, target, currentTarget, altKey, ctrlKey, metaKey, shiftKey } = event
    if (!(target instanceof HTMLElement) || !target.matches(rowButtons)) return
    if (altKey || ctrlKey || metaKey || shiftKey) return
    const buttons = [...currentTarget.querySelectorAll<HTMLElement>(rowButtons)].filter(
      button => button.offsetParent !== null,
    )
    const at = buttons.indexOf(target)
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: buttons.length - 1 }[key]
    if (to === undefined) return
    // Also at the ends, where the page would scroll away.
    event.preventDefault()
    buttons[to]?.focus()
  }

  return { stop: Math.min(place, rows - 1), followFocus, moveFocus }
}

type LogTableRowProps = {
  /** 0 = the first row */
  place: number
  row: ShownRow
  day: string
  hue: number | undefined
  open: boolean
  /** the row that Tab reaches */
  isStop: boolean
  onOpen(id: string): void
}

/**
 * Fifty of these are most of the page's HTML. So its cells have no classes and no element around a lone text: the style finds them
 * by their column.
 */
function LogTableRow({ place, row, day, hue, open, isStop, onOpen }: LogTableRowProps) {
  const formats = useFormats()
  const hydrated = useHydrated()
  // In the HTML, the text and `data-day` say all of the time: see script-sources.tsx.
  const isOfDay = !hydrated && row.at.startsWith(day)
  return (
    <Row kind={row.own ? 'yours' : undefined}>
      <RowHeader suppressHydrationWarning>{formats.whole(row.id)}</RowHeader>
      <Cell>
        <ServerName name={row.server} hue={hue} />
      </Cell>
      <Cell>
        {hydrated ? (
          <button
            type="button"
            className={ui.opener}
            data-place={place}
            tabIndex={isStop ? 0 : -1}
            aria-expanded={open}
            aria-label={`${row.why}: why number ${formats.whole(row.id)} reached ${row.server}`}
            onClick={() => onOpen(row.id)}
          >
            {row.why}
          </button>
        ) : (
          <span>{row.why}</span>
        )}
        {row.own && <YouBadge>this visit</YouBadge>}
      </Cell>
      <Cell>{row.client_ip}</Cell>
      <Cell suppressHydrationWarning>{isOfDay ? row.time : <Moment iso={row.at} plain={row.time} />}</Cell>
    </Row>
  )
}

type WhyRowProps = { row: ShownRow; servers: ServerRow[]; onFilter(filter: Partial<LogFilter>): void }

/** Below an open row: why that server, the time in UTC to the millisecond, and filters for similar rows. */
function WhyRow({ row, servers, onFilter }: WhyRowProps) {
  return (
    <Row className={styles.openedRow}>
      <Cell span={5} className={styles.openedCell}>
        <p className={styles.explanation}>{explain(row, servers)}</p>
        <p className={styles.facts}>
          <span>
            srv_id <code>{row.srv_id}</code>
          </span>
          <code>{row.at}</code>
        </p>
        <p className={styles.more}>
          <button type="button" className={ui.smallButton} onClick={() => onFilter({ srv_id: row.srv_id })}>
            {`Only ${row.server}`}
          </button>
          {/* The own row has the full address. The filter accepts only the masked form that others see. */}
          {!row.own && (
            <button
              type="button"
              className={ui.smallButton}
              onClick={() => onFilter({ client_ip: row.client_ip })}
            >
              {`Only ${row.client_ip}`}
            </button>
          )}
        </p>
      </Cell>
    </Row>
  )
}
