/** The stack cannot be had; the message is one clear sentence for the person at the terminal. */
export class StackFailure extends Error {
  override readonly name = 'StackFailure'
}
