import { type IncomingMessage, request, type ServerResponse } from 'node:http'
import { text } from 'node:stream/consumers'
import { setTimeout as pause } from 'node:timers/promises'
import type { Page } from '@playwright/test'
import { startStubServer } from '../../tools/lib/testing.ts'

/**
 * Fails the page's requests to these addresses until it is told to pass them on. The route stays: taking it away can wait
 * for ever for a worker that the page is just starting.
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
  /** what to ask the board for; null: this relay answers 404 itself; default: the path as it came */
  pathOf?: (path: string) => string | null
  /** how to pass an answer on; default: as it comes */
  pass?: (path: string, found: IncomingMessage, answer: ServerResponse) => void
}

/** A proxy in front of the board at `url`, on a port of this machine. */
export async function openRelay(
  url: string,
  { pathOf = path => path, pass = (_path, found, answer) => found.pipe(answer) }: Options = {},
): Promise<Relay> {
  return startStubServer((asked, answer) => {
    const path = pathOf(asked.url ?? '/')
    if (path === null) {
      answer.writeHead(404).end()
      return
    }
    const headers = { ...asked.headers, 'accept-encoding': 'identity' }
    const relayed = request(new URL(path, url), { method: asked.method, headers }, found => {
      answer.writeHead(found.statusCode ?? 502, found.headers)
      pass(path, found, answer)
    })
    relayed.on('error', () => answer.destroy())
    answer.on('close', () => relayed.destroy())
    asked.pipe(relayed)
  })
}

/** Where a browser may paint what it has: after each of many that are alike, and each part of the page. */
const ends = /(?<=<\/(?:li|section)>)/
/** ms between two pieces: time enough for a frame */
const apartMs = 150

/** Passes everything on to the board at `url`, and its page piece by piece, as over a network that has hardly any room. */
export function openSlowRelay(url: string): Promise<Relay> {
  return openRelay(url, {
    pass(path, found, answer) {
      if (path === '/') trickle(found, answer).catch(() => answer.destroy())
      else found.pipe(answer)
    },
  })
}

async function trickle(page: IncomingMessage, answer: ServerResponse): Promise<void> {
  for (const piece of (await text(page)).split(ends)) {
    answer.write(piece)
    await pause(apartMs)
  }
  answer.end()
}
