import type { Metadata, Viewport } from 'next'
import { connection } from 'next/server'
import type { ReactNode } from 'react'
import './globals.css'
import { FormatsScript, ThemeScript } from './ui/page-scripts.tsx'

const description =
  'A load balancer at work, live: every page view is counted once, logged, and shown with the server that answered it.'

export const metadata: Metadata = {
  description,
  openGraph: { title: 'Balance Board', description, type: 'website' },
  twitter: { card: 'summary_large_image' },
  // A crawler's visit would be a hit, and the log shows visitors.
  robots: { index: false, follow: false },
}

export const viewport: Viewport = {
  width: 'device-width',
  initialScale: 1,
  colorScheme: 'light dark',
  themeColor: [
    { media: '(prefers-color-scheme: light)', color: '#f5f6f8' },
    { media: '(prefers-color-scheme: dark)', color: '#0e1116' },
  ],
}

export default async function Layout({ children }: { children: ReactNode }) {
  // Never render at build time: the scripts would lack the nonce that each answer's policy requires.
  await connection()
  return (
    // The theme script sets an attribute here that the HTML does not have.
    <html lang="en" suppressHydrationWarning>
      <body>
        <ThemeScript />
        <FormatsScript />
        {children}
      </body>
    </html>
  )
}
