import { connection } from 'next/server'
import type { ReactNode } from 'react'
import './globals.css'
import { StartScript } from './ui/page-scripts.tsx'
import { HeadInHtml } from './ui/script-sources.tsx'

export default async function Layout({ children }: { children: ReactNode }) {
  // Never render at build time: the scripts would lack the nonce that each answer's policy requires.
  await connection()
  return (
    // The theme script sets an attribute here that the HTML does not have.
    <html lang="en" suppressHydrationWarning>
      <body>
        <HeadInHtml />
        <StartScript />
        {children}
      </body>
    </html>
  )
}
