import { BadParameter } from '../errors.ts'
import { type AddressBytes, addressBytes, addressText } from './address-bytes.ts'
import { type AddressMode, keptBytes, showAddress } from './client-address.ts'

/** Both ends included, as hex of 4 or 16 bytes, in network order. */
export type AddressRange = { from: string; to: string }

/**
 * All addresses that are shown like this one: a whole address stands for itself, `203.0.113.x` for its network.
 * A public address that answers would shorten is refused: who could ask for it could try them all.
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
  const filledUp = (rest: number) => hex(bytes.map((byte, at) => (at < kept ? byte : rest)))
  return { from: filledUp(0), to: filledUp(0xff) }
}

function hex(bytes: AddressBytes): string {
  return Buffer.from(bytes).toString('hex')
}
