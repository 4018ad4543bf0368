import { globSync, writeFileSync } from 'node:fs'

/** The clock of one process, which can be made to jump while it runs: by libfaketime, which Debian has as a package. */
export type FakedClock = {
  /** for the environment of the process */
  variables: Record<string, string>
  /** ahead of the machine's clock from now on, in seconds; it is noticed within a second */
  jumpTo(secondsAhead: number): void
}

/** `file` tells the process its time. Null where libfaketime is not installed. */
export function makeFakedClock(file: string): FakedClock | null {
  const [library] = globSync('/usr/{lib,lib64}/{*/,}faketime/libfaketimeMT.so.1')
  if (library === undefined) return null
  const jumpTo = (secondsAhead: number) =>
    writeFileSync(file, `${secondsAhead < 0 ? '' : '+'}${secondsAhead}\n`)
  jumpTo(0)
  return {
    jumpTo,
    variables: {
      LD_PRELOAD: library,
      FAKETIME_TIMESTAMP_FILE: file,
      FAKETIME_CACHE_DURATION: '1',
      // A clock that is set anew leaves the time since boot as it was.
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
    },
  }
}
