import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { openBoard, type Window } from '../bench/page/open-board.ts'
import { capture } from './capture.ts'

/** Down to the sums under the history. */
const window: Window = { width: 1280, height: 1140 }

/** The history is read and the picture has dots under way by then. */
const untilSettledMs = 4000

/** Writes the board in both themes into `docs`, each as a visit of its own found it. */
export async function takeStills(url: string, docs: string, signal: AbortSignal): Promise<void> {
  for (const theme of ['light', 'dark']) {
    await using page = await openBoard(url, window, signal)
    await page.send('Emulation.setDeviceMetricsOverride', {
      ...window,
      deviceScaleFactor: 2,
      mobile: false,
    })
    await page.send('Emulation.setScrollbarsHidden', { hidden: true })
    await page.send('Emulation.setEmulatedMedia', {
      features: [{ name: 'prefers-color-scheme', value: theme }],
    })
    await pause(untilSettledMs, undefined, { signal })
    await capture(page, join(docs, `board-${theme}.png`))
  }
}
