import { globSync, writeFileSync } from 'node:fs'

/** The clock of one process. It can jump while the process runs. Uses libfaketime, a Debian package. */
export type FakedClock = {
  /** for the process's environment */
  variables: Record<string, string>
  /** Sets how far the clock is ahead of the machine's, in seconds. Takes effect within a second. */
  jumpTo(secondsAhead: number): void
}

/** The process reads its offset from `file`. Returns null if libfaketime is not installed. */
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
      // Setting a real clock does not change the time since boot.
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
    },
  }
}
