import { constants, deflateRawSync } from 'node:zlib'
import type { Place } from './layout.ts'

/** How far back zlib looks. */
export const reach = 32_768 - 262

/** A stored block's header: not the last block, then its length twice. https://www.rfc-editor.org/rfc/rfc1951#section-3.2.4 */
const storedHeaderBytes = 5

export type Deflated = {
  bytes: Buffer
  /** where in `bytes` the values stand as they are */
  stored: { value: number; at: number }[]
}

/** Compresses a page, all but the places in `kept`, which are in order and stand in the outcome as they are. */
export function deflateAround(page: Buffer, kept: Place[]): Deflated {
  const parts: Buffer[] = []
  let length = 0
  const add = (part: Buffer) => {
    parts.push(part)
    length += part.length
  }
  const stored: Deflated['stored'] = []
  let from = 0
  for (const { value, start, end } of kept) {
    if (start > from) add(deflatePart(page, from, start, constants.Z_SYNC_FLUSH))
    add(storedHeader(end - start))
    stored.push({ value, at: length })
    add(page.subarray(start, end))
    from = end
  }
  add(deflatePart(page, from, page.length, constants.Z_FINISH))
  return { bytes: Buffer.concat(parts), stored }
}

/** What stands before the part is its dictionary, as it is for whoever decompresses the whole. */
function deflatePart(page: Buffer, from: number, to: number, finishFlush: number): Buffer {
  const dictionary = page.subarray(Math.max(0, from - 32_768), from)
  const options = { level: 9, memLevel: 9, finishFlush }
  return deflateRawSync(page.subarray(from, to), dictionary.length > 0 ? { ...options, dictionary } : options)
}

function storedHeader(length: number): Buffer {
  const header = Buffer.alloc(storedHeaderBytes)
  header.writeUInt16LE(length, 1)
  header.writeUInt16LE(~length & 0xffff, 3)
  return header
}
