'use client'

import PageError from './error.tsx'
import './globals.css'

export default function GlobalError({ reset }: { reset(): void }) {
  return (
    <html lang="en">
      <body>
        <PageError reset={reset} />
      </body>
    </html>
  )
}
