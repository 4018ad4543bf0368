// `npm run pictures`: the README's pictures, of a board of their own. Nothing in them is made up: what they show happened.

import { rmSync, writeFileSync } from 'node:fs'
import { mkdtempDisposable } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { z } from 'zod'
import { say } from '../bench/harness/report.ts'
import { openBoard, startTemporaryBoard, type Window } from '../bench/page/board.ts'
import { buildIfChanged } from '../launcher/build.ts'
import type { StackFile } from '../launcher/stack/data-dir.ts'
import { builtReplica, type ReplicaProgram } from '../launcher/stack/stack-options.ts'
import type { BarePage } from '../lib/chromium.ts'
import { abortOnSignals, outliveTerminal, saySentences } from '../lib/terminal.ts'
import { visitMany } from '../lib/visitors.ts'
import { capture, recordFrames, writeWebp } from './record.ts'

/** While it is set, a replica that is to start waits: a restart takes a second otherwise, too short to be seen. */
type Hold = { path: string; set(): void; release(): void }

function openHold(path: string): Hold {
  return {
    path,
    set: () => writeFileSync(path, ''),
    release: () => rmSync(path, { force: true }),
  }
}

/** The same program, which heeds a hold before it starts. */
function holdable(program: ReplicaProgram, hold: Hold): ReplicaProgram {
  const wait = 'while [ -e "$0" ]; do sleep 0.1; done; exec "$@"'
  return {
    ...program,
    command: '/bin/sh',
    arguments: ['-c', wait, hold.path, program.command, ...program.arguments],
  }
}

/** Whatever happens, the visits end after that. */
const longestVisitsMs = 10 * 60_000

/** Fifteen visits a second until it is disposed of: nine by a dozen regulars, six by strangers, who all ask for the page. */
function startVisitors(url: string): AsyncDisposable {
  const told = new AbortController()
  const asBrowsers = { forMs: longestVisitsMs, until: told.signal, accept: 'text/html' } as const
  const visits = Promise.all([
    visitMany(`${url}/`, { ...asBrowsers, connections: 12, perSecond: 9, keepCookies: true }),
    visitMany(`${url}/`, { ...asBrowsers, connections: 4, perSecond: 6 }),
  ])
  return {
    async [Symbol.asyncDispose]() {
      told.abort()
      await visits
    },
  }
}

/** Down to the sums under the history. */
const window: Window = { width: 1280, height: 1140 }

/** The history is read and the picture has dots under way by then. */
const untilSettledMs = 4000

/** Writes the board in both themes into `docs`, each as a visit of its own found it. */
async function takeStills(url: string, docs: string, signal: AbortSignal): Promise<void> {
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

type Scene = {
  page: BarePage
  hold: Hold
  replicas: () => StackFile['replicas']
  /** for what is thrown away */
  folder: string
  docs: string
}

/** A scene that takes longer has gone wrong. */
const longestFilmMs = 60_000

/** Films how the visitor's own server is killed, how the next visit is moved, and how the server comes back. */
async function filmLoss({ page, hold, replicas, folder, docs }: Scene, signal: AbortSignal) {
  const bound = AbortSignal.any([signal, AbortSignal.timeout(longestFilmMs)])
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

/** The history has a bar a minute. */
const beforeStillsMs = 110_000

outliveTerminal()
const signal = abortOnSignals()
const docs = join(import.meta.dirname, '..', '..', 'docs')

await saySentences(async () => {
  try {
    await using temporary = await mkdtempDisposable(join(tmpdir(), 'board-'))
    const folder = temporary.path
    await buildIfChanged(say, signal)
    const hold = openHold(join(folder, 'hold'))
    await using board = await startTemporaryBoard(3, signal, holdable(builtReplica(process.env), hold))
    await using _visitors = startVisitors(board.url)
    say('stills', `in ${beforeStillsMs / 1000} s, once the history has something to show`)
    await pause(beforeStillsMs, undefined, { signal })
    await takeStills(board.url, docs, signal)
    say('film', 'a server is killed, and comes back')
    await using page = await openBoard(board.url, { width: 1120, height: 828 }, signal)
    await filmLoss({ page, hold, replicas: () => board.file().replicas, folder, docs }, signal)
    say('pictures', `written to ${docs}`)
  } catch (error) {
    if (!signal.aborted) throw error
    process.exitCode = 1
  }
})
