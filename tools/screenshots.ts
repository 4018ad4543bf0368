// `npm run pictures`: makes the README's pictures and films from a temporary board with real visits, a real restart and a real
// experiment of the lab.
// Uses the bench's temporary board and browser.

import { execFile } from 'node:child_process'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { promisify } from 'node:util'
import { z } from 'zod'
import { UserError } from '../web/server/errors.ts'
import { say } from './bench/harness/report.ts'
import { openBoard, startTemporaryBoard, type Window } from './bench/page/board.ts'
import { findProgram } from './install/programs.mjs'
import { runOnBuild } from './launcher/stack/build.ts'
import type { StackFile } from './launcher/stack/data-dir.ts'
import { builtReplica, type ReplicaProgram } from './launcher/stack/stack-options.ts'
import { type BarePage, untilTrue } from './lib/chromium.ts'
import { saySentences } from './lib/terminal.ts'
import { visitMany } from './lib/visitors.ts'

const screenshot = z.object({ data: z.base64() })

/** Writes a PNG screenshot of the page's window to `path`. */
async function capture(page: BarePage, path: string): Promise<void> {
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
async function recordFrames(page: BarePage, folder: string): Promise<Recording> {
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
async function writeWebp(frames: Frame[], path: string): Promise<void> {
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

/** While set, a starting replica waits, because a restart takes only a second, too short to see. */
type Hold = { path: string; set(): void; release(): void }

function openHold(path: string): Hold {
  return { path, set: () => writeFileSync(path, ''), release: () => rmSync(path, { force: true }) }
}

/** The program, which waits for the hold's release before it starts */
function holdable(program: ReplicaProgram, hold: Hold): ReplicaProgram {
  const wait = 'while [ -e "$0" ]; do sleep 0.1; done; exec "$@"'
  return {
    ...program,
    command: '/bin/sh',
    arguments: ['-c', wait, hold.path, program.command, ...program.arguments],
  }
}

/** upper limit of the visits' duration */
const longestVisitsMs = 10 * 60_000

/** Requests the page fifteen times a second until disposal: nine visits by a dozen returning visitors, six by new ones. */
function startVisitors(url: string): AsyncDisposable {
  const stopping = new AbortController()
  const asBrowsers = { forMs: longestVisitsMs, until: stopping.signal, accept: 'text/html' } as const
  const visits = Promise.all([
    visitMany(`${url}/`, { ...asBrowsers, connections: 12, perSecond: 9, keepCookies: true }),
    visitMany(`${url}/`, { ...asBrowsers, connections: 4, perSecond: 6 }),
  ])
  return {
    async [Symbol.asyncDispose]() {
      stopping.abort()
      await visits
    },
  }
}

/** Reaches down to the legend of the picture; that of the film of a loss has room for the notice of a moved visit, too. */
const window: Window = { width: 1280, height: 832 }
const lossWindow: Window = { width: 1280, height: 896 }
/** From the lab’s heading to the button that runs an experiment */
const labWindow: Window = { width: 1280, height: 790 }

/** ms that the pages are open before their pictures: then the cards have the bars of a whole minute */
const beforeStillsMs = 65_000

/** Writes pictures of the board in both themes into `docs`, each from a separate visit. */
async function takeStills(url: string, docs: string, signal: AbortSignal): Promise<void> {
  await using pages = new AsyncDisposableStack()
  const captures: (() => Promise<void>)[] = []
  for (const theme of ['light', 'dark']) {
    const page = pages.use(await openBoard(url, window, signal))
    await page.send('Emulation.setDeviceMetricsOverride', {
      ...window,
      deviceScaleFactor: 2,
      mobile: false,
    })
    await page.send('Emulation.setScrollbarsHidden', { hidden: true })
    await page.send('Emulation.setEmulatedMedia', {
      features: [{ name: 'prefers-color-scheme', value: theme }],
    })
    captures.push(() => capture(page, join(docs, `board-${theme}.png`)))
  }
  await pause(beforeStillsMs, undefined, { signal })
  for (const take of captures) await take()
}

type Scene = {
  page: BarePage
  /** for temporary files */
  folder: string
  docs: string
}

/** timeout of a film */
const filmTimeoutMs = 60_000

/** Waits for a film: some ms, or until a condition in the page is true. */
function waits(page: BarePage, signal: AbortSignal) {
  const bounded = AbortSignal.any([signal, AbortSignal.timeout(filmTimeoutMs)])
  const sleep = (ms: number) => pause(ms, undefined, { signal: bounded })
  const until = (condition: string) => untilTrue(page, condition, bounded)
  return { sleep, until }
}

/** Films an experiment of the lab, in which one server is slow: from the reader's guess to the sentence that says what was seen. */
async function filmExperiment({ page, folder, docs }: Scene, signal: AbortSignal) {
  const { sleep, until } = waits(page, signal)
  const find = (words: string) =>
    `[...document.querySelectorAll('#lab a, #lab button')].find(each => each.textContent.includes('${words}'))`
  await page.send('Emulation.setScrollbarsHidden', { hidden: true })
  await page.evaluate(`document.querySelector('#lab').scrollIntoView()`)
  await until(`${find('Run all')} !== undefined`)
  await using recording = await recordFrames(page, folder)
  await sleep(1000)
  for (const words of ['One slow server', 'Its full share', 'Run all']) {
    await page.evaluate(`${find(words)}.click()`)
    await sleep(1200)
  }
  await until(`document.querySelector('#lab [aria-live]').textContent.includes('gave slow')`)
  await sleep(1000)
  await capture(page, join(docs, 'lab.png'))
  await sleep(2000)
  await writeWebp(await recording.end(), join(docs, 'lab.webp'))
}

type Loss = { hold: Hold; replicas: () => StackFile['replicas'] }

/** Films a kill of the visitor's server, the move of the next visit, and the server's return. */
async function filmLoss({ page, folder, docs }: Scene, { hold, replicas }: Loss, signal: AbortSignal) {
  const { sleep, until } = waits(page, signal)
  const visitorsCookie = await srvIdOf(page)
  const own = replicas().find(({ srv_id }) => srv_id === visitorsCookie)
  if (!own) throw new Error('no server has the visitor’s srv_id')

  await page.send('Emulation.setScrollbarsHidden', { hidden: true })
  await sleep(3000)
  await using recording = await recordFrames(page, folder)
  await sleep(1500)
  hold.set()
  process.kill(own.pid, 'SIGKILL')
  await sleep(1000)
  await page.evaluate(`document.querySelector('a[href=""]').click()`)
  await until(`document.body?.innerText.includes('NGINX sent you to') ?? false`)
  await until(`document.querySelector('[data-server][data-state=lost]') !== null`)
  await sleep(1000)
  await capture(page, join(docs, 'board-lost.png'))
  hold.release()
  await until(`document.querySelector('[data-server]:not([data-state=up])') === null`)
  await sleep(1500)
  await writeWebp(await recording.end(), join(docs, 'board.webp'))
}

const cookies = z.looseObject({ cookies: z.array(z.looseObject({ name: z.string(), value: z.string() })) })

async function srvIdOf(page: BarePage): Promise<string | undefined> {
  const answer = cookies.parse(await page.send('Network.getCookies'))
  return answer.cookies.find(({ name }) => name === 'srv_id')?.value
}

const docs = join(import.meta.dirname, '..', 'docs')

await saySentences(() =>
  runOnBuild(async (folder, signal) => {
    const hold = openHold(join(folder, 'hold'))
    await using board = await startTemporaryBoard(3, signal, holdable(builtReplica(process.env), hold))
    await using _visitors = startVisitors(board.url)
    say('stills', `in ${beforeStillsMs / 1000} s, when the cards have bars`)
    await takeStills(board.url, docs, signal)
    say('film', 'an experiment of the lab')
    await using labPage = await openBoard(board.url, labWindow, signal)
    await filmExperiment({ page: labPage, folder: join(folder, 'lab'), docs }, signal)
    say('film', 'a server is killed and returns')
    await using page = await openBoard(board.url, lossWindow, signal)
    const replicas = () => board.file().replicas
    await filmLoss({ page, folder: join(folder, 'loss'), docs }, { hold, replicas }, signal)
    say('pictures', `written to ${docs}`)
    return true
  }, say),
)
