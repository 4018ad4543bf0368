import type { IncomingMessage, ServerResponse } from 'node:http'
import { text } from 'node:stream/consumers'
import { setTimeout as pause } from 'node:timers/promises'
import { openRelay, type Relay } from './relay.ts'

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
