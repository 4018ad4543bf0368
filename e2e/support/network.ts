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

/** The tags after which a page is cut, so that a browser paints there: one in eight, beginning with another for each page. */
const tagsAPiece = 8
/** ms between two pieces, enough for a frame */
const pieceIntervalMs = 30

/** Starts a proxy to the board at `url` that delivers the page piece by piece, as a slow network does. */
export function openSlowRelay(url: string): Promise<Relay> {
  let pages = 0
  return openRelay(url, {
    pass(path, found, answer) {
      if (path === '/') trickle(found, answer, pages++ % tagsAPiece).catch(() => answer.destroy())
      else found.pipe(answer)
    },
  })
}

async function trickle(page: IncomingMessage, answer: ServerResponse, first: number): Promise<void> {
  const tags = (await text(page)).split(/(?<=<body.*>)/s)
  for (let from = 0, to = first + 1; from < tags.length; from = to, to += tagsAPiece) {
    answer.write(tags.slice(from, to).join(''))
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
