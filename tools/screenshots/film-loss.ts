import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { z } from 'zod'
import type { StackFile } from '../launcher/stack/stack-file.ts'
import type { BarePage } from '../lib/bare-chromium.ts'
import { capture } from './capture.ts'
import type { Hold } from './hold.ts'
import { recordFrames } from './record-frames.ts'
import { writeWebp } from './write-webp.ts'

export type Scene = {
  page: BarePage
  hold: Hold
  replicas: () => StackFile['replicas']
  /** for what is thrown away */
  folder: string
  docs: string
}

/** A scene that takes longer has gone wrong. */
const longestMs = 60_000

/** Films how the visitor's own server is killed, how the next visit is moved, and how the server comes back. */
export async function filmLoss({ page, hold, replicas, folder, docs }: Scene, signal: AbortSignal) {
  const bound = AbortSignal.any([signal, AbortSignal.timeout(longestMs)])
  const rest = (ms: number) => pause(ms, undefined, { signal: bound })
  const until = async (condition: string) => {
    while ((await page.evaluate(condition)) !== true) await rest(50)
  }
  const visitorsCookie = await srvIdOf(page)
  const own = replicas().find(({ srv_id }) => srv_id === visitorsCookie)
  if (!own) throw new Error('the visitor has no server')

  await page.send('Emulation.setScrollbarsHidden', { hidden: true })
  await rest(3000)
  await using recording = await recordFrames(page, folder)
  await rest(1500)
  hold.set()
  process.kill(own.pid, 'SIGKILL')
  await rest(1000)
  await page.evaluate(`document.querySelector('a[href=""]').click()`)
  await until(`document.body?.innerText.includes('Moved from ${own.name}') ?? false`)
  await until(`document.querySelector('[data-server][data-state=lost]') !== null`)
  await rest(1000)
  await capture(page, join(docs, 'board-lost.png'))
  hold.release()
  await until(`document.querySelector('[data-server]:not([data-state=up])') === null`)
  await rest(1500)
  await writeWebp(await recording.end(), join(docs, 'board.webp'))
}

const cookies = z.looseObject({ cookies: z.array(z.looseObject({ name: z.string(), value: z.string() })) })

async function srvIdOf(page: BarePage): Promise<string | undefined> {
  const answer = cookies.parse(await page.send('Network.getCookies'))
  return answer.cookies.find(({ name }) => name === 'srv_id')?.value
}
