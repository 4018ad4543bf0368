import { randomBytes } from 'node:crypto'
import type { PageProblem, VisitTexts } from '../../shared/page-view.ts'

/** What is filled into the page per hit. */
export type PageSlot = keyof VisitTexts | 'nonce'

/** What is filled into the page of a visit that was not counted. */
export type ProblemSlot = Exclude<keyof PageProblem, 'retry_after'> | 'nonce'

/**
 * One-off stand-ins for a hit's own values, new at each boot so that nobody can write one into the page. They look like
 * base64, since Next takes a nonce only if it does.
 */
export function makeTokens(): Record<PageSlot, string> {
  return {
    nonce: token(),
    hit: token(),
    counter: token(),
    client_ip: token(),
    at: token(),
    at_text: token(),
    arrival: token(),
    arrival_text: token(),
    moved_text: token(),
    cookie: token(),
    origin: token(),
  }
}

export function makeProblemTokens(): Record<ProblemSlot, string> {
  return { nonce: token(), code: token(), message: token() }
}

export function makeNonceToken(): Record<'nonce', string> {
  return { nonce: token() }
}

function token(): string {
  return randomBytes(24).toString('base64url').replaceAll(/[-_]/g, '0')
}
