/** A server cannot be asked to drain, or did not answer; the message is one clear sentence. */
export class DrainRefused extends Error {
  override readonly name = 'DrainRefused'
}
