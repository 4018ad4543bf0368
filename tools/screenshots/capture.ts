import { writeFileSync } from 'node:fs'
import { z } from 'zod'
import type { BarePage } from '../lib/bare-chromium.ts'

const screenshot = z.object({ data: z.base64() })

/** Writes what the page's window shows to `path`, as PNG. */
export async function capture(page: BarePage, path: string): Promise<void> {
  const { data } = screenshot.parse(await page.send('Page.captureScreenshot', { format: 'png' }))
  writeFileSync(path, data, 'base64')
}
