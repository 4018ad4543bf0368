import { type IncomingMessage, request, type ServerResponse } from 'node:http'
import { text } from 'node:stream/consumers'
import { setTimeout as pause } from 'node:timers/promises'
import type { Page } from '@playwright/test'
import { startStubServer } from '../../tools/lib/testing.ts'

/**
 * Fails the page's requests to these addresses until `passOn` is called. The route stays, because removing it can wait forever
 * for a worker that the page is starting.
 */
export async function failRequests(page: Page, addresses: string) {
  let passes = false
  await page.route(addresses, route => (passes ? route.continue() : route.abort()))
  return {
    passOn() {
      passes = true
    },
  }
}

type Relay = AsyncDisposable & { url: string }

type Options = {
  /** the path on the board; null makes the relay answer 404; default: unchanged */
  pathOf?: (path: string) => string | null
  /** how to pass an answer on; default: unchanged */
  pass?: (path: string, found: IncomingMessage, answer: ServerResponse) => void
}

/** Starts a proxy in front of the board at `url`, on a port of this machine. */
export async function openRelay(
  url: string,
  { pathOf = path => path, pass = (_path, found, answer) => found.pipe(answer) }: Options = {},
): Promise<Relay> {
  return startStubServer((incoming, answer) => {
    const path = pathOf(incoming.url ?? '/')
    if (path === null) {
      answer.writeHead(404).end()
      return
    }
    const headers = { ...incoming.headers, 'accept-encoding': 'identity' }
    const relayed = request(new URL(path, url), { method: incoming.method, headers }, found => {
      answer.writeHead(found.statusCode ?? 502, found.headers)
      pass(path, found, answer)
    })
    relayed.on('error', () => answer.destroy())
    answer.on('close', () => relayed.destroy())
    incoming.pipe(relayed)
  })
}

/** where a browser may paint: in the header after each tag, then after each list item, section and name of a box in the picture */
const paintPoints = {
  header: /(?<=<header.*>)/s,
  rest: /(?<=<\/(?:li|section)>|<p[^>]*>(?:Returning|Database)<\/p>|>NGINX<\/span>)/,
}
/** ms between two pieces, enough for a frame */
const pieceIntervalMs = 150

/** Starts a proxy to the board at `url` that delivers the page piece by piece, as a slow network does. */
export function openSlowRelay(url: string): Promise<Relay> {
  return openRelay(url, {
    pass(path, found, answer) {
      if (path === '/') trickle(found, answer).catch(() => answer.destroy())
      else found.pipe(answer)
    },
  })
}

async function trickle(page: IncomingMessage, answer: ServerResponse): Promise<void> {
  const [header = '', rest = ''] = (await text(page)).split(/(?<=<\/header>)/)
  for (const piece of [...header.split(paintPoints.header), ...rest.split(paintPoints.rest)]) {
    answer.write(piece)
    await pause(pieceIntervalMs)
  }
  answer.end()
}

/** Delays the page's scripts, as a slow network does, until the returned function is called. */
export async function holdScripts(page: Page): Promise<() => void> {
  const { promise: released, resolve } = Promise.withResolvers<void>()
  await page.route('**/_next/static/**/*.js', async route => {
    await released
    await route.continue()
  })
  return resolve
}
