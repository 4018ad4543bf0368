import { isIPv4 } from 'node:net'
import { type AddressBytes, addressBytes, addressText } from './address-bytes.ts'

/** `short`: public addresses lose the part that tells one household from another; `full`: all are whole. */
export type AddressMode = 'short' | 'full'

/**
 * The one way an address is written here: IPv4 dotted, also when it came inside IPv6 (`::ffff:10.0.0.7`); IPv6 as
 * RFC 5952 says, without a zone. Null when it is not an address.
 */
export function normaliseAddress(raw: string): string | null {
  if (isIPv4(raw)) return raw
  const bytes = addressBytes(raw)
  return bytes && addressText(bytes)
}

/** An address as answers show it, e.g. `203.0.113.x` and `2001:db8:1::/48`. */
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

/** How many bytes of a public address are shown: a site is a /48 (RFC 6177), an IPv4 network here a /24. */
export function keptBytes(bytes: AddressBytes): number {
  if (bytes.length === 4) return 3
  // 6to4 (RFC 3056) has a whole IPv4 address in its /48: 2002:cb00:7107::/48 is 203.0.113.7.
  return bytes[0] === 0x20 && bytes[1] === 0x02 ? 5 : 6
}

function isPublic(bytes: AddressBytes): boolean {
  return bytes.length === 4 ? isPublicIPv4(bytes) : isPublicIPv6(bytes)
}

function isPublicIPv4([a = 0, b = 0]: AddressBytes): boolean {
  const isPrivate = a === 10 || (a === 172 && b >> 4 === 1) || (a === 192 && b === 168) // RFC 1918
  const isCarrierGrade = a === 100 && b >> 6 === 1 // 100.64.0.0/10, RFC 6598
  const isLinkLocal = a === 169 && b === 254 // RFC 3927
  const isLoopback = a === 127
  return !(isPrivate || isCarrierGrade || isLinkLocal || isLoopback)
}

function isPublicIPv6(bytes: AddressBytes): boolean {
  const [a = 0, b = 0] = bytes
  const isUniqueLocal = a >> 1 === 0xfc >> 1 // fc00::/7, RFC 4193
  const isLinkLocal = a === 0xfe && b >> 6 === 0b10 // fe80::/10, RFC 4291
  const isLoopbackOrNone = bytes.slice(0, 15).every(byte => byte === 0) && (bytes[15] ?? 0) <= 1 // ::1 and ::
  return !(isUniqueLocal || isLinkLocal || isLoopbackOrNone)
}
