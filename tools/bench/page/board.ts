import { mkdtempDisposable } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Stack, startStack } from '../../launcher/stack/stack.ts'
import { builtReplica, type ReplicaProgram } from '../../launcher/stack/stack-options.ts'
import { type BarePage, openBarePage, untilTrue } from '../../lib/chromium.ts'

type TemporaryBoard = AsyncDisposable & Pick<Stack, 'url' | 'file'>

/** Starts a board in a temporary folder, which disposing removes. */
export async function startTemporaryBoard(
  replicas: number,
  signal: AbortSignal,
  replica: ReplicaProgram = builtReplica(process.env),
): Promise<TemporaryBoard> {
  await using resources = new AsyncDisposableStack()
  const folder = resources.use(await mkdtempDisposable(join(tmpdir(), 'board-')))
  const stack = await startStack({
    replicas,
    dataDir: join(folder.path, 'data'),
    replica,
    database: { size: 'small' },
    signal,
  })
  resources.defer(stack.stop)
  const kept = resources.move()
  return { url: stack.url, file: stack.file, [Symbol.asyncDispose]: () => kept.disposeAsync() }
}

/** A replica with low priority, because a reader's browser does not share its machine with the servers. */
export function lowPriorityReplica(): ReplicaProgram {
  const { command, arguments: program, ...rest } = builtReplica(process.env)
  return { ...rest, command: 'nice', arguments: ['-n', '10', command, ...program] }
}

export type Window = { width: number; height: number }

export const usualWindow: Window = { width: 1280, height: 1024 }

/** Opens the board in a new browser, in a window of that size from the first byte on. Resolves when the page is live. */
export async function openBoard(url: string, window: Window, signal: AbortSignal): Promise<BarePage> {
  const page = await openBarePage(`${url}/healthz`)
  try {
    await page.send('Emulation.setDeviceMetricsOverride', { ...window, deviceScaleFactor: 1, mobile: false })
    await page.send('Page.navigate', { url: `${url}/` })
    await untilTrue(page, `document.querySelector('[role=status]')?.textContent === 'Live'`, signal)
    return page
  } catch (error) {
    await page[Symbol.asyncDispose]()
    throw error
  }
}

/** Opens another tab in front of the page. */
export async function hideTab(page: BarePage, signal: AbortSignal): Promise<void> {
  await page.browser.send('Target.createTarget', { url: 'about:blank' })
  await untilTrue(page, `document.visibilityState === 'hidden'`, signal)
}
