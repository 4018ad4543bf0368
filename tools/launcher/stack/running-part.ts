/** A process of the stack that is ready for work. */
export type RunningPart = {
  pid: number
  /** resolves when it has ended, asked to or not, with how: "SIGKILL", "exit status 1" */
  exited: Promise<string>
  /** Ends it in order and waits for that. Safe to call again, and after it ended. */
  stop: () => Promise<void>
}
