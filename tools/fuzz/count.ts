// Compares the numbers in the answers with the database.

import { normaliseAddress } from '../../web/server/http/client-address.ts'
import type { Ledger } from '../faults/trial/findings.ts'
import type { Door } from './cases/cases.ts'
import type { Exchange } from './exchange.ts'
import type { SentHttp2 } from './http2.ts'
import { mayBeUnanswered, numbersIn } from './oracle.ts'

/** A case that was sent. */
export type Sent = {
  n: number
  door: Door
  bytes: string
  /** the address that it was sent from, which no other case has */
  from: string
  /** null if it did not end */
  exchange: Exchange | null
}

/** @param before the counter before the first case. @returns complaints */
export function findMiscounts(sent: Sent[], before: number, ledger: Ledger): string[] {
  const complaints: string[] = []
  const answered = new Map<number, Sent>()
  for (const one of sent) {
    for (const number of one.exchange ? numbersIn(one.exchange) : []) {
      const earlier = answered.get(number)
      if (earlier && !haveSameRequestId(earlier, one))
        complaints.push(`number ${number} was answered to case ${earlier.n} and to case ${one.n}`)
      answered.set(number, one)
    }
  }
  const logged = new Map(ledger.logged.map(hit => [hit.id, hit]))
  for (const [number, one] of answered)
    if (number > before && !logged.has(number))
      complaints.push(`number ${number} of case ${one.n} is not in the log`)
  const byAddress = new Map(sent.map(one => [one.from, one]))
  for (const hit of ledger.logged) {
    if (answered.has(hit.id)) continue
    const own = byAddress.get(hit.clientIp)
    const senders = own ? [own] : sent.filter(one => claims(one, hit.clientIp))
    if (!senders.some(one => one.exchange === null || mayBeUnanswered(one.exchange)))
      complaints.push(
        `number ${hit.id} was counted for ${hit.clientIp}, and no answer has it: ${senders.map(({ n }) => `case ${n}`)}`,
      )
  }
  const totals = [ledger.counter, ledger.maxId, ledger.rows, ledger.sumHits]
  if (new Set(totals).size > 1)
    complaints.push(`counter, highest number, rows and sum of hits differ: ${totals}`)
  if (ledger.counter - before !== ledger.logged.length) complaints.push('numbers are missing from the log')
  return complaints
}

/** The same for HTTP/2, where each case has its own address and says how many page views it may count. @returns complaints */
export function findMiscountsOfHttp2(sent: SentHttp2[], { logged }: Ledger): string[] {
  const byAddress = Map.groupBy(logged, ({ clientIp }) => clientIp)
  return sent.flatMap(({ n, from, counts: [least, most], numbers, isHasty }) => {
    const counted = byAddress.get(from) ?? []
    const isUnknown = (number: number) => counted.every(({ id }) => id !== number)
    return [
      ...(counted.length > most || (counted.length < least && !isHasty)
        ? [`HTTP/2 case ${n} counted ${counted.length} page views, and not ${least} to ${most}`]
        : []),
      ...numbers.filter(isUnknown).map(number => `number ${number} of HTTP/2 case ${n} is not in the log`),
    ]
  })
}

/** A replica counts a page view once for each request id, and believes the id that a client past NGINX sends. */
function haveSameRequestId(one: Sent, other: Sent): boolean {
  const ids = [one, other].map(({ bytes, door }) => (door === 'replica' ? requestIds(bytes) : []))
  return ids[0]?.some(id => ids[1]?.includes(id)) ?? false
}

const requestIds = (bytes: string) => [...bytes.matchAll(/[0-9a-f]{32}/g)].map(([id]) => id)

/** Whether a client past NGINX says that it has this address. */
function claims({ door, bytes }: Sent, address: string): boolean {
  if (door !== 'replica') return false
  const claimed = [...bytes.matchAll(/^X-Real-IP:\s*(.*?)\s*$/gim)].map(([, value = '']) => value)
  return claimed.some(value => (normaliseAddress(value) ?? '0.0.0.0') === address)
}
