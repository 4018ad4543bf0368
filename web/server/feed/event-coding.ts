import { constants, deflateRawSync } from 'node:zlib'
import type { LiveTrouble, Snapshot, SnapshotChange } from '../../shared/api.ts'

export type LiveEvent = ['snapshot', Snapshot] | ['change', SnapshotChange] | ['trouble', LiveTrouble]

/** How a stream's events become its bytes. An event's are the same for every stream, whenever that began. */
export type EventCoding = {
  /** null = as it is */
  name: 'gzip' | null
  /** what a stream begins with */
  start: Buffer
  encode(event: LiveEvent): Buffer
}

export const plain: EventCoding = { name: null, start: Buffer.alloc(0), encode: eventText }

/**
 * One gzip member that never ends: each event is blocks of its own, which refer to none before them and end at a byte.
 * So an event is compressed once, not for each stream. Source: https://www.rfc-editor.org/rfc/rfc1952#page-5
 */
export const gzip: EventCoding = {
  name: 'gzip',
  start: Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255]),
  encode: event => deflateRawSync(eventText(event), { finishFlush: constants.Z_SYNC_FLUSH }),
}

/** Source: https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation */
function eventText([name, data]: LiveEvent): Buffer {
  return Buffer.from(`event: ${name}\ndata: ${JSON.stringify(data)}\n\n`)
}
