/** Docker could not do what it was asked; the message is for the person at the terminal. */
export class DockerFailed extends Error {
  override readonly name = 'DockerFailed'
}
