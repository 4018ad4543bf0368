import { execFile } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { promisify } from 'node:util'
import { z } from 'zod'
import { UserError } from '../../web/server/errors.ts'
import { findProgram } from '../install/programs.mjs'
import type { BarePage } from '../lib/chromium.ts'

const screenshot = z.object({ data: z.base64() })

/** Writes what the page's window shows to `path`, as PNG. */
export async function capture(page: BarePage, path: string): Promise<void> {
  const { data } = screenshot.parse(await page.send('Page.captureScreenshot', { format: 'png' }))
  writeFileSync(path, data, 'base64')
}

/** A picture of the page, and for how long it stood, in ms. */
type Frame = { path: string; lasts: number }

type Recording = AsyncDisposable & {
  /** Ends it. @returns the frames in their order */
  end(): Promise<Frame[]>
}

/** Of Chromium's sixty a second; fewer come where the machine is slow. */
const everyNthFrame = 2

/** How long the last frame stands before the film begins anew, in ms. */
const lastLasts = 1000

const event = z.looseObject({
  data: z.string(),
  sessionId: z.number(),
  metadata: z.looseObject({ timestamp: z.number() }),
})

/**
 * Writes each frame of what the page shows into `folder`, in the order and at the pace they were painted; JPEG, since
 * PNG takes a slow machine so long that frames are left out.
 */
export async function recordFrames(page: BarePage, folder: string): Promise<Recording> {
  const heard = await page.listen('Page', 'screencastFrame')
  const taken: { path: string; at: number }[] = []
  let ended = false
  await page.send('Page.startScreencast', { format: 'jpeg', quality: 96, everyNthFrame })
  async function take(): Promise<void> {
    while (!ended) {
      const next = heard.shift()
      if (next === undefined) {
        await pause(5)
        continue
      }
      const { data, sessionId, metadata } = event.parse(next)
      await page.send('Page.screencastFrameAck', { sessionId }) // without it no more come
      const path = join(folder, `${String(taken.length).padStart(4, '0')}.jpg`)
      writeFileSync(path, data, 'base64')
      taken.push({ path, at: metadata.timestamp * 1000 })
    }
  }
  const taking = take()
  taking.catch(() => {}) // `end` tells
  async function end(): Promise<Frame[]> {
    if (!ended) await page.send('Page.stopScreencast')
    ended = true
    await taking
    return taken.map(({ path, at }, n) => ({ path, lasts: (taken[n + 1]?.at ?? at + lastLasts) - at }))
  }
  return {
    end,
    async [Symbol.asyncDispose]() {
      await end()
    },
  }
}

const run = promisify(execFile)
const quality = '75'

/** Makes an animated WebP of the frames, which goes on for ever. Source: https://developers.google.com/speed/webp/docs/img2webp */
export async function writeWebp(frames: Frame[], path: string): Promise<void> {
  const img2webp = findProgram('img2webp')
  if (!img2webp) throw new UserError('img2webp, which makes the film, is not on this machine')
  const each = frames.flatMap(({ path, lasts }) => [
    '-d',
    String(Math.max(1, Math.round(lasts))),
    '-lossy',
    '-q',
    quality,
    path,
  ])
  await run(img2webp, ['-loop', '0', '-kmax', '0', ...each, '-o', path])
}
