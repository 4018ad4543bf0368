import { BlockList, isIPv4, isIPv6 } from 'node:net'
import { BadParameter } from '../errors.ts'

/** `short`: public addresses are cut to their network, so that households cannot be told apart; `full`: all are shown whole. */
export type AddressMode = 'short' | 'full'

/**
 * The canonical form of an address: dotted IPv4, also for IPv4 inside IPv6 (`::ffff:10.0.0.7`); RFC 5952 for IPv6, without a
 * zone. Null if it is not an address.
 */
export function normaliseAddress(raw: string): string | null {
  if (isIPv4(raw)) return raw
  const bytes = addressBytes(raw)
  return bytes && addressText(bytes)
}

/** An address as answers show it: `203.0.113.x` or `2001:db8:1::/48` for public ones in mode `short`. */
export function showAddress(address: string, mode: AddressMode): string {
  if (mode === 'full') return address
  const bytes = addressBytes(address)
  if (!bytes) return 'unknown'
  return isPublic(bytes) ? shorten(bytes) : addressText(bytes)
}

function shorten(bytes: AddressBytes): string {
  if (bytes.length === 4) return `${bytes.slice(0, 3).join('.')}.x`
  const kept = keptBytes(bytes)
  return `${addressText(bytes.map((byte, at) => (at < kept ? byte : 0)))}/${kept * 8}`
}

/** Bytes of a public address that are shown: a site is a /48 (RFC 6177), for IPv4 this uses a /24. */
function keptBytes(bytes: AddressBytes): number {
  if (bytes.length === 4) return 3
  // 6to4 (RFC 3056) contains the whole IPv4 address in its /48: 2002:cb00:7107::/48 is 203.0.113.7.
  return bytes[0] === 0x20 && bytes[1] === 0x02 ? 5 : 6
}

/** Networks whose addresses are shown whole. */
const notPublic = new BlockList()
for (const [network, prefix] of [
  ['10.0.0.0', 8], // RFC 1918
  ['172.16.0.0', 12],
  ['192.168.0.0', 16],
  ['100.64.0.0', 10], // carrier-grade NAT, RFC 6598
  ['169.254.0.0', 16], // link-local, RFC 3927
  ['127.0.0.0', 8],
] as const)
  notPublic.addSubnet(network, prefix, 'ipv4')
for (const [network, prefix] of [
  ['fc00::', 7], // unique local, RFC 4193
  ['fe80::', 10], // link-local, RFC 4291
  ['::', 127], // none and loopback
] as const)
  notPublic.addSubnet(network, prefix, 'ipv6')

const isPublic = (bytes: AddressBytes) =>
  !notPublic.check(addressText(bytes), bytes.length === 4 ? 'ipv4' : 'ipv6')

/** Both ends included, each as hex of 4 or 16 bytes in network order. */
type AddressRange = { from: string; to: string }

/**
 * All addresses that are shown like this one: a whole address matches itself, `203.0.113.x` its network. Rejects full public
 * addresses if answers shorten them: otherwise the masked ones could be found by trying.
 * @throws BadParameter
 */
export function addressRange(shown: string, mode: AddressMode): AddressRange {
  const address = shown.replace(/\.x$/, '.0').replace(/\/\d+$/, '')
  const bytes = addressBytes(address)
  if (!bytes) {
    throw new BadParameter('client_ip', 'must be an address as the log shows it, as 10.0.0.7 or 203.0.113.x')
  }
  return address === shown ? rangeOfOne(bytes, mode) : rangeOfNetwork(bytes, shown)
}

function rangeOfOne(bytes: AddressBytes, mode: AddressMode): AddressRange {
  const address = addressText(bytes)
  const shownAs = showAddress(address, mode)
  if (shownAs !== address) {
    throw new BadParameter('client_ip', `public addresses are shortened here; ask for ${shownAs}`)
  }
  return { from: hex(bytes), to: hex(bytes) }
}

function rangeOfNetwork(bytes: AddressBytes, shown: string): AddressRange {
  const shownAs = showAddress(addressText(bytes), 'short')
  if (shownAs !== shown.toLowerCase()) {
    throw new BadParameter('client_ip', `no address is shown like this; did you mean ${shownAs}?`)
  }
  const kept = keptBytes(bytes)
  const filledUp = (filler: number) => hex(bytes.map((byte, at) => (at < kept ? byte : filler)))
  return { from: filledUp(0), to: filledUp(0xff) }
}

function hex(bytes: AddressBytes): string {
  return Buffer.from(bytes).toString('hex')
}

/** An address as numbers: 4 bytes for IPv4, 16 for IPv6. */
type AddressBytes = readonly number[]

/**
 * Null if it is not an address. IPv4 inside IPv6 (`::ffff:10.0.0.7`, RFC 4291 2.5.5.2) becomes IPv4. The zone of
 * `fe80::1%eth0` is removed: it names an interface of this machine and is not part of the address (RFC 4007 11).
 */
function addressBytes(raw: string): AddressBytes | null {
  if (isIPv4(raw)) return raw.split('.').map(Number)
  const address = raw.replace(/%[\w.-]+$/, '')
  // Node's check accepts a zone of any form.
  if (address.includes('%') || !isIPv6(address)) return null
  const bytes = ipv6Bytes(address)
  const isMapped = bytes.slice(0, 10).every(byte => byte === 0) && bytes[10] === 0xff && bytes[11] === 0xff
  return isMapped ? bytes.slice(12) : bytes
}

/** Canonical text: dotted decimal for IPv4, RFC 5952 for IPv6, which is also how a URL writes its host. */
function addressText(bytes: AddressBytes): string {
  if (bytes.length === 4) return bytes.join('.')
  const groups = Array.from({ length: 8 }, (_, at) => ((bytes[2 * at] ?? 0) << 8) | (bytes[2 * at + 1] ?? 0))
  return new URL(`http://[${hexGroups(groups)}]`).hostname.slice(1, -1)
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
