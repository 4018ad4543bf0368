import type { ReactNode } from 'react'

// On a phone the tables' rows are laid out as lists. Some browsers then no longer tell assistive technology that it is
// a table, unless every part says its role itself.

type Props = { className?: string | undefined; children?: ReactNode }

export function Table({ label, className, children }: Props & { label: string }) {
  return (
    // biome-ignore lint/a11y/noRedundantRoles: see above
    <table role="table" aria-label={label} className={className}>
      {children}
    </table>
  )
}

export function TableHead({ className, children }: Props) {
  return (
    // biome-ignore lint/a11y/noRedundantRoles: see above
    <thead role="rowgroup" className={className}>
      {children}
    </thead>
  )
}

export function TableBody({ className, children }: Props) {
  return (
    // biome-ignore lint/a11y/noRedundantRoles: see above
    <tbody role="rowgroup" className={className}>
      {children}
    </tbody>
  )
}

export function Row({ className, children }: Props) {
  return (
    // biome-ignore lint/a11y/noRedundantRoles: see above
    <tr role="row" className={className}>
      {children}
    </tr>
  )
}

export function ColumnHeader({ className, children }: Props) {
  return (
    // biome-ignore lint/a11y/noRedundantRoles: see above
    <th role="columnheader" scope="col" className={className}>
      {children}
    </th>
  )
}

export function RowHeader({ className, children }: Props) {
  return (
    // biome-ignore lint/a11y/noRedundantRoles: see above
    <th role="rowheader" scope="row" className={className}>
      {children}
    </th>
  )
}

export function Cell({ className, children }: Props) {
  return (
    // biome-ignore lint/a11y/noRedundantRoles: see above
    <td role="cell" className={className}>
      {children}
    </td>
  )
}
