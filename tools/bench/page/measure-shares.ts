import { z } from 'zod'
import type { Protocol } from '../../lib/devtools-protocol.ts'
import { readProcessorTime } from './processor-time.ts'

/** Shares of a core, 1 = all of it. */
export type Shares = {
  /** of the page's process: its script, style, layout and painting */
  mainThread: number
  /** of the same with its other threads, which put together frames and draw tiles */
  renderer: number
  /** of the process that draws the frames, which a machine without a graphics card does by itself */
  drawing: number
}

const processes = z.object({
  processInfo: z.array(z.looseObject({ type: z.string(), id: z.number() })),
})

/** What Chromium used while `action` ran. It has no other page open, so all its renderers are the page's. */
export async function measureShares(browser: Protocol, action: () => Promise<void>): Promise<Shares> {
  const { processInfo } = processes.parse(await browser.send('SystemInfo.getProcessInfo'))
  const pidsOf = (type: string) => processInfo.filter(one => one.type === type).map(({ id }) => id)
  const used = async (type: string) => {
    const times = await Promise.all(pidsOf(type).map(readProcessorTime))
    return {
      main: times.reduce((sum, { mainThread }) => sum + mainThread, 0),
      whole: times.reduce((sum, { wholeProcess }) => sum + wholeProcess, 0),
    }
  }
  const all = async () => ({
    at: performance.now(),
    page: await used('renderer'),
    drawing: await used('GPU'),
  })
  const before = await all()
  await action()
  const after = await all()
  const lasted = after.at - before.at
  return {
    mainThread: (after.page.main - before.page.main) / lasted,
    renderer: (after.page.whole - before.page.whole) / lasted,
    drawing: (after.drawing.whole - before.drawing.whole) / lasted,
  }
}
