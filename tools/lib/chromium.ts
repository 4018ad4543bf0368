import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as pause } from 'node:timers/promises'
import { chromium, type LaunchOptions } from '@playwright/test'
import { z } from 'zod'
import { findProgram } from '../install/programs.mjs'
import { until } from './wait.ts'

/** Starts this machine's Chromium, or without one the browser that Playwright installed. */
export function chromiumLaunch(): LaunchOptions {
  const executablePath = findProgram('chromium') ?? findProgram('google-chrome')
  return {
    ...(executablePath && { executablePath }),
    args: [
      // Otherwise it contacts its maker's servers, which tests must not need.
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      // Otherwise it uses HTTP_PROXY, but every page that tests open is on this machine.
      '--no-proxy-server',
      ...(process.getuid?.() === 0 ? ['--no-sandbox'] : []),
    ],
  }
}

/** A page in a Chromium with all features. Playwright disables prerendering in the browsers that it starts. */
export type BarePage = AsyncDisposable & {
  /** Runs an expression in the page. @returns its value; undefined during a navigation */
  evaluate(expression: string): Promise<unknown>
  /** Collects the events of a domain of the DevTools protocol in the returned array. */
  listen(domain: string, event: string): Promise<unknown[]>
  /** Sends a command of the DevTools protocol to the page. @returns its result; undefined if it failed */
  send(method: string, params?: object): Promise<unknown>
  /** the connection to the whole browser */
  browser: Protocol
}

/** Opens `url`. */
export async function openBarePage(url: string): Promise<BarePage> {
  const { executablePath = chromium.executablePath(), args = [] } = chromiumLaunch()
  const profile = mkdtempSync(join(tmpdir(), 'board-chromium-'))
  const options = [
    '--headless',
    '--remote-debugging-port=0',
    `--user-data-dir=${profile}`,
    '--no-first-run',
    ...args,
  ]
  const browser = spawn(executablePath, [...options, url], {
    stdio: ['ignore', 'ignore', 'pipe'],
    detached: true,
  })
  const exited = once(browser, 'exit')
  const close = async () => {
    browser.kill()
    await exited
    rmSync(profile, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 })
  }
  try {
    const protocol = await openProtocol(await browserSocket(createInterface(browser.stderr)))
    const session = await attachToPage(protocol)
    const page = pageOn(protocol, session)
    const state = `location.href + ' ' + document.readyState`
    await until(`${url} is open`, async () => (await page.evaluate(state)) === `${url} complete`)
    return { ...page, [Symbol.asyncDispose]: close }
  } catch (error) {
    await close()
    throw error
  }
}

/** Evaluates `expression` in the page until it is true. Rejects when `signal` is aborted. */
export async function untilTrue(page: BarePage, expression: string, signal: AbortSignal): Promise<void> {
  while ((await page.evaluate(expression)) !== true) await pause(50, undefined, { signal })
}

/** Chromium writes its DevTools address to standard error. */
async function browserSocket(lines: AsyncIterable<string>): Promise<string> {
  for await (const line of lines) {
    const address = /DevTools listening on (ws:\S+)/.exec(line)?.[1]
    if (address) return address
  }
  throw new Error('Chromium ended before it listened')
}

/** Attaches to the page through its tab: a page that is attached to directly cannot prerender. @returns the page's session */
async function attachToPage(protocol: Protocol): Promise<string> {
  const targets = z.looseObject({ targetInfos: z.array(z.looseObject({ targetId: z.string() })) })
  const filter = [{ type: 'tab' }]
  let tab: string | undefined
  await until('Chromium has a tab', async () => {
    tab = targets.parse(await protocol.send('Target.getTargets', { filter })).targetInfos[0]?.targetId
    return tab !== undefined
  })
  const attached = z.looseObject({ sessionId: z.string() })
  const { sessionId } = attached.parse(
    await protocol.send('Target.attachToTarget', { targetId: tab, flatten: true }),
  )
  const pages = protocol.events('Target.attachedToTarget')
  await protocol.send(
    'Target.setAutoAttach',
    { autoAttach: true, waitForDebuggerOnStart: false, flatten: true },
    sessionId,
  )
  return attached.parse(pages[0]).sessionId
}

function pageOn(protocol: Protocol, session: string): Omit<BarePage, typeof Symbol.asyncDispose> {
  const evaluated = z.looseObject({ result: z.looseObject({ value: z.unknown().optional() }) })
  return {
    async evaluate(expression) {
      const answer = await protocol.send('Runtime.evaluate', { expression, returnByValue: true }, session)
      return evaluated.safeParse(answer).data?.result.value
    },
    async listen(domain, event) {
      const heard = protocol.events(`${domain}.${event}`)
      await protocol.send(`${domain}.enable`, {}, session)
      return heard
    },
    send: (method, params) => protocol.send(method, params, session),
    browser: protocol,
  }
}

/** A connection to Chromium's DevTools. Source: https://chromedevtools.github.io/devtools-protocol/ */
export type Protocol = {
  /** @returns the command's result; undefined if it failed */
  send(method: string, params?: object, sessionId?: string): Promise<unknown>
  /** Collects the parameters of all later events of that name in the returned array. */
  events(name: string): unknown[]
}

const message = z.looseObject({
  id: z.number().optional(),
  method: z.string().optional(),
  params: z.unknown().optional(),
  result: z.unknown().optional(),
})

/** The connection ends with the browser. */
async function openProtocol(address: string): Promise<Protocol> {
  const socket = new WebSocket(address)
  const answers = new Map<number, (result: unknown) => void>()
  const events = new Map<string, unknown[]>()
  socket.addEventListener('message', ({ data }) => {
    const { id, method, params, result } = message.parse(JSON.parse(String(data)))
    if (id !== undefined) answers.get(id)?.(result)
    if (method !== undefined) events.get(method)?.push(params)
  })
  await once(socket, 'open')
  let last = 0
  return {
    send(method, params = {}, sessionId) {
      const { promise, resolve } = Promise.withResolvers<unknown>()
      answers.set(++last, resolve)
      socket.send(JSON.stringify({ id: last, method, params, sessionId }))
      return promise
    },
    events(name) {
      const heard: unknown[] = []
      events.set(name, heard)
      return heard
    },
  }
}
