/** Which process each part of the stack is at this moment; a part has a new one each time it is started again. */
export type Roster = {
  set: (part: string, pid: number) => void
  pidOf: (part: string) => number
  /** `listener` is told of every change from now on */
  onChange: (listener: () => void) => void
}

export function openRoster(): Roster {
  const pids = new Map<string, number>()
  const listeners: (() => void)[] = []
  return {
    set(part, pid) {
      pids.set(part, pid)
      for (const listener of listeners) listener()
    },
    pidOf(part) {
      const pid = pids.get(part)
      if (pid === undefined) throw new Error(`${part} has not been started`)
      return pid
    },
    onChange: listener => listeners.push(listener),
  }
}
