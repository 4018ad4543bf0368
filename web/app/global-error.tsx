'use client'

import PageError from './error.tsx'
import './globals.css'

export default function GlobalError() {
  return (
    <html lang="en">
      <body>
        <PageError />
      </body>
    </html>
  )
}
