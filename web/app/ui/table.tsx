import type { ReactNode } from 'react'
import styles from './table.module.css'

// On a phone, CSS lays the rows out as lists. Some browsers then hide from assistive technology that this is a table,
// unless every part has an explicit role.

type Props = { children?: ReactNode }
type CellProps = Props & { className?: string | undefined }
type RowProps = CellProps & { kind?: 'yours' | 'sum' | undefined }

export function Table({ label, className = '', children }: CellProps & { label: string }) {
  return (
    // biome-ignore lint/a11y/noRedundantRoles: see above
    <table role="table" aria-label={label} className={`${styles.table} ${className}`}>
      {children}
    </table>
  )
}

export function TableHead({ children }: Props) {
  return (
    // biome-ignore lint/a11y/noRedundantRoles: see above
    <thead role="rowgroup" className={styles.head}>
      {children}
    </thead>
  )
}

export function TableBody({ children }: Props) {
  return (
    // biome-ignore lint/a11y/noRedundantRoles: see above
    <tbody role="rowgroup" className={styles.body}>
      {children}
    </tbody>
  )
}

export function Row({ kind, className = '', children }: RowProps) {
  return (
    // biome-ignore lint/a11y/noRedundantRoles: see above
    <tr role="row" className={`${styles.row} ${className} ${kind ? styles[kind] : ''}`}>
      {children}
    </tr>
  )
}

export function ColumnHeader({ className = '', children }: CellProps) {
  return (
    // biome-ignore lint/a11y/noRedundantRoles: see above
    <th role="columnheader" scope="col" className={`${styles.cell} ${className}`}>
      {children}
    </th>
  )
}

export function RowHeader({ className = '', children }: CellProps) {
  return (
    // biome-ignore lint/a11y/noRedundantRoles: see above
    <th role="rowheader" scope="row" className={`${styles.cell} ${className}`}>
      {children}
    </th>
  )
}

export function Cell({ className = '', span, children }: CellProps & { span?: number }) {
  return (
    // biome-ignore lint/a11y/noRedundantRoles: see above
    <td role="cell" colSpan={span} className={`${styles.cell} ${className}`}>
      {children}
    </td>
  )
}
