import type { Browser, BrowserContext, BrowserContextOptions, Page } from '@playwright/test'
import { watchShifts } from './shifts.ts'
import { watchConsole } from './watch-console.ts'

/** One browser window of a size, on the board. */
export type Window = {
  name: string
  width: number
  page: Page
  /** what its console complained about, so far */
  complaints: string[]
  /** what moved by itself, so far */
  shifts(): Promise<string[]>
}

const sizes = [
  { width: 360, height: 780 },
  { width: 768, height: 1024 },
  { width: 1280, height: 900 },
  { width: 2560, height: 1440 },
]

export type Windows = AsyncDisposable & {
  all: Window[]
  each(act: (page: Page) => Promise<unknown>): Promise<void>
}

type How = {
  context?: BrowserContextOptions
  /** done in each before it goes to the board */
  prepare?: (page: Page) => Promise<unknown>
}

/** A window of each size, of a visitor each. */
export async function openWindows(browser: Browser, url: string, how: How = {}): Promise<Windows> {
  const contexts: BrowserContext[] = []
  const all = await Promise.all(
    sizes.map(async viewport => {
      const context = await browser.newContext({ ...how.context, viewport, colorScheme: 'light' })
      contexts.push(context)
      return openWindow(await context.newPage(), url, viewport.width, how.prepare)
    }),
  )
  return withAll(all, async () => {
    await Promise.all(contexts.map(context => context.close()))
  })
}

/** A tab of each size, all of one visitor who has `before` tabs open already. */
export async function openTabs(browser: Browser, url: string, before: number): Promise<Windows> {
  const context = await browser.newContext({ colorScheme: 'light' })
  for (let tab = 0; tab < before; tab++) await (await context.newPage()).goto(url)
  const all: Window[] = []
  for (const viewport of sizes) {
    const page = await context.newPage()
    await page.setViewportSize(viewport)
    all.push(await openWindow(page, url, viewport.width))
  }
  return withAll(all, () => context.close())
}

async function openWindow(page: Page, url: string, width: number, prepare?: How['prepare']): Promise<Window> {
  const complaints = watchConsole(page)
  const shifts = await watchShifts(page)
  await prepare?.(page)
  await page.goto(url)
  return { name: `${width} px`, width, page, complaints, shifts }
}

function withAll(all: Window[], close: () => Promise<void>): Windows {
  return {
    all,
    async each(act) {
      await Promise.all(all.map(({ page }) => act(page)))
    },
    [Symbol.asyncDispose]: close,
  }
}
