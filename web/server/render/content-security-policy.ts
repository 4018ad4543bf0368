import { randomFillSync } from 'node:crypto'

const nonceBytes = 16
/** Drawn for many nonces at once: each call of the system takes its time. */
const drawn = Buffer.alloc(nonceBytes * 256)
let used = drawn.length

/** For one answer alone. Base64, as the policy's grammar has it. */
export function newNonce(): string {
  if (used === drawn.length) {
    randomFillSync(drawn)
    used = 0
  }
  used += nonceBytes
  return drawn.toString('base64', used - nonceBytes, used)
}

const ownFilesAlone = [
  "worker-src 'self'",
  "img-src 'self' data:",
  "font-src 'self'",
  "connect-src 'self'",
  "manifest-src 'self'",
  "base-uri 'none'",
  "form-action 'self'",
  "frame-ancestors 'none'",
].join('; ')

/**
 * Scripts with this answer's nonce and what they load, our own workers, styles and connections, and nothing else.
 * React needs eval in development only, for its stack traces.
 */
export function contentSecurityPolicy(nonce: string, development: boolean): string {
  const script = `script-src 'nonce-${nonce}' 'strict-dynamic'${development ? " 'unsafe-eval'" : ''}`
  const style = `style-src 'self'${development ? " 'unsafe-inline'" : ''}`
  return `default-src 'none'; ${script}; ${style}; ${ownFilesAlone}`
}
