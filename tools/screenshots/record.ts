import { execFile } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { promisify } from 'node:util'
import { z } from 'zod'
import { UserError } from '../../web/server/errors.ts'
import { findProgram } from '../install/programs.mjs'
import type { BarePage } from '../lib/chromium.ts'

const screenshot = z.object({ data: z.base64() })

/** Writes a PNG screenshot of the page's window to `path`. */
export async function capture(page: BarePage, path: string): Promise<void> {
  const { data } = screenshot.parse(await page.send('Page.captureScreenshot', { format: 'png' }))
  writeFileSync(path, data, 'base64')
}

/** A picture of the page, and for how many ms it was shown */
type Frame = { path: string; durationMs: number }

type Recording = AsyncDisposable & {
  /** Ends the recording. @returns the frames in order */
  end(): Promise<Frame[]>
}

/** of Chromium's 60 frames per second; a slow machine gives fewer */
const everyNthFrame = 2

/** ms for which the last frame is shown before the film repeats */
const lastFrameMs = 1000

const event = z.looseObject({
  data: z.string(),
  sessionId: z.number(),
  metadata: z.looseObject({ timestamp: z.number() }),
})

/** Writes each painted frame of the page into a new `folder` with its time. JPEG, because PNG is so slow that frames get lost. */
export async function recordFrames(page: BarePage, folder: string): Promise<Recording> {
  mkdirSync(folder)
  const events = await page.listen('Page', 'screencastFrame')
  const taken: { path: string; at: number }[] = []
  let ended = false
  await page.send('Page.startScreencast', { format: 'jpeg', quality: 96, everyNthFrame })
  async function take(): Promise<void> {
    while (!ended) {
      const next = events.shift()
      if (next === undefined) {
        await pause(5)
        continue
      }
      const { data, sessionId, metadata } = event.parse(next)
      await page.send('Page.screencastFrameAck', { sessionId }) // without it Chromium sends no more
      const path = join(folder, `${String(taken.length).padStart(4, '0')}.jpg`)
      writeFileSync(path, data, 'base64')
      taken.push({ path, at: metadata.timestamp * 1000 })
    }
  }
  const taking = take()
  taking.catch(() => {}) // `end` throws it
  async function end(): Promise<Frame[]> {
    if (!ended) await page.send('Page.stopScreencast')
    ended = true
    await taking
    return taken.map(({ path, at }, n) => ({ path, durationMs: (taken[n + 1]?.at ?? at + lastFrameMs) - at }))
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

/** Writes the frames as an animated WebP that repeats forever. Source: https://developers.google.com/speed/webp/docs/img2webp */
export async function writeWebp(frames: Frame[], path: string): Promise<void> {
  const img2webp = findProgram('img2webp')
  if (!img2webp) throw new UserError('img2webp, which encodes the film, is not installed')
  const each = frames.flatMap(({ path, durationMs }) => [
    '-d',
    String(Math.max(1, Math.round(durationMs))),
    '-lossy',
    '-q',
    quality,
    path,
  ])
  await run(img2webp, ['-loop', '0', '-kmax', '0', ...each, '-o', path])
}
