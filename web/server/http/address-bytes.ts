import { isIPv4, isIPv6 } from 'node:net'

/** An address as numbers: 4 bytes are IPv4, 16 are IPv6. */
export type AddressBytes = readonly number[]

/**
 * Null when it is not an address. IPv4 inside IPv6 (`::ffff:10.0.0.7`, RFC 4291 2.5.5.2) is the IPv4 address. The zone
 * of `fe80::1%eth0` is dropped: it names an interface of this machine, not a part of the address (RFC 4007 11).
 */
export function addressBytes(raw: string): AddressBytes | null {
  if (isIPv4(raw)) return raw.split('.').map(Number)
  const address = raw.replace(/%[\w.-]+$/, '')
  // Node's own check lets a zone pass, of whatever shape.
  if (address.includes('%') || !isIPv6(address)) return null
  const bytes = ipv6Bytes(address)
  const isMapped = bytes.slice(0, 10).every(byte => byte === 0) && bytes[10] === 0xff && bytes[11] === 0xff
  return isMapped ? bytes.slice(12) : bytes
}

/** The canonical text: dotted decimal, or RFC 5952 for IPv6. */
export function addressText(bytes: AddressBytes): string {
  if (bytes.length === 4) return bytes.join('.')
  const groups = Array.from({ length: 8 }, (_, at) => ((bytes[2 * at] ?? 0) << 8) | (bytes[2 * at + 1] ?? 0))
  const zeros = longestZeroRun(groups)
  if (zeros.length < 2) return hexGroups(groups)
  return `${hexGroups(groups.slice(0, zeros.start))}::${hexGroups(groups.slice(zeros.start + zeros.length))}`
}

function ipv6Bytes(address: string): number[] {
  const [before = '', after = ''] = address.replace(/[\d.]+\.[\d.]+$/, dottedAsGroups).split('::')
  const head = groupsIn(before)
  const tail = groupsIn(after)
  const omitted = new Array<number>(8 - head.length - tail.length).fill(0)
  return [...head, ...omitted, ...tail].flatMap(group => [group >> 8, group & 0xff])
}

function dottedAsGroups(dotted: string): string {
  const [a = 0, b = 0, c = 0, d = 0] = dotted.split('.').map(Number)
  return hexGroups([(a << 8) | b, (c << 8) | d])
}

function groupsIn(part: string): number[] {
  return part === '' ? [] : part.split(':').map(group => Number.parseInt(group, 16))
}

function hexGroups(groups: number[]): string {
  return groups.map(group => group.toString(16)).join(':')
}

/** The first of the longest, as RFC 5952 4.2.3 asks. */
function longestZeroRun(groups: number[]): { start: number; length: number } {
  let longest = { start: 0, length: 0 }
  let length = 0
  for (const [at, group] of groups.entries()) {
    length = group === 0 ? length + 1 : 0
    if (length > longest.length) longest = { start: at - length + 1, length }
  }
  return longest
}
