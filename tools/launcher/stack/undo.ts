/** What was begun, to be ended in reverse. */
export type Undo = {
  add: (end: () => Promise<void> | void) => void
  /** Ends everything, the last begun first, each also when one before it failed. Called again, it waits for the same. */
  run: () => Promise<void>
}

export function openUndo(): Undo {
  const ends: (() => Promise<void> | void)[] = []
  let running: Promise<void> | null = null

  async function endAll(): Promise<void> {
    const errors: unknown[] = []
    for (let end = ends.pop(); end; end = ends.pop()) {
      try {
        await end()
      } catch (error) {
        errors.push(error)
      }
    }
    if (errors.length > 0) throw errors[0]
  }
  return {
    add: end => ends.push(end),
    run() {
      running ??= endAll()
      return running
    },
  }
}
