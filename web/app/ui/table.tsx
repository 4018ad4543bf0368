import type { HTMLAttributes, ReactNode } from 'react'
import ui from './ui.module.css'

// On a phone, CSS lays the rows out as lists. Some browsers then hide from assistive technology that this is a table,
// unless every part has an explicit role. The style finds the parts by their place in the table: a class at every cell would be a
// third of the page.

type Props = { children?: ReactNode }
type CellProps = HTMLAttributes<HTMLTableCellElement>
type RowProps = Props & { className?: string | undefined; kind?: 'yours' | 'sum' | undefined }

type TableProps = Props & { label: string; className?: string | undefined }

export function Table({ label, className = '', children }: TableProps) {
  return (
    // biome-ignore lint/a11y/noRedundantRoles: see above
    <table role="table" aria-label={label} className={`${ui.table} ${className}`}>
      {children}
    </table>
  )
}

export function TableHead({ children }: Props) {
  return (
    // biome-ignore lint/a11y/noRedundantRoles: see above
    <thead role="rowgroup">{children}</thead>
  )
}

export function TableBody({ children }: Props) {
  return (
    // biome-ignore lint/a11y/noRedundantRoles: see above
    <tbody role="rowgroup">{children}</tbody>
  )
}

export function Row({ kind, className, children }: RowProps) {
  const own = kind && ui[kind]
  return (
    // biome-ignore lint/a11y/noRedundantRoles: see above
    <tr role="row" className={own && className ? `${className} ${own}` : (own ?? className)}>
      {children}
    </tr>
  )
}

export function ColumnHeader({ className, children }: CellProps) {
  return (
    // biome-ignore lint/a11y/useSemanticElements: the role is needed, see above, and says what `scope` would
    <th role="columnheader" className={className}>
      {children}
    </th>
  )
}

export function RowHeader({ children, ...attributes }: CellProps) {
  return (
    // biome-ignore lint/a11y/noRedundantRoles: see above
    // biome-ignore lint/a11y/useSemanticElements: the role is needed, see above, and says what `scope` would
    <th role="rowheader" {...attributes}>
      {children}
    </th>
  )
}

export function Cell({ span, children, ...attributes }: CellProps & { span?: number }) {
  return (
    // biome-ignore lint/a11y/noRedundantRoles: see above
    <td role="cell" colSpan={span} {...attributes}>
      {children}
    </td>
  )
}
