/** The private database cannot be had; the message is one clear sentence, and what its log says under it. */
export class DatabaseFailure extends Error {
  override readonly name = 'DatabaseFailure'
}

const causes: [RegExp, string][] = [
  [/No space left on device|Disk full|out of disk space|(errno|error|code):? 28\b/i, 'the disk is full'],
  [
    /Unable to lock \S*ibdata1|Can't lock aria control file/i,
    'another database process is using it; stop that one first',
  ],
  [
    /Permission denied|(errno|error|code):? 13\b|Read-only file system/i,
    'it may not be read and written by this user',
  ],
  [/address already in use/i, 'its port is taken by another program'],
]

/** What a server's log says went wrong, in words; null = none of the usual causes. */
export function causeIn(log: string): string | null {
  return causes.find(([pattern]) => pattern.test(log))?.[1] ?? null
}

/** The failure to `act` ("start the database in …"), with its cause if known and the last that the log says of it. */
export function failureFromLog(act: string, log: string): DatabaseFailure {
  const said = log.split('\n').filter(line => line.trim())
  const errors = said.filter(line => /error|fatal|denied|no space/i.test(line))
  const lines = (errors.length ? errors : said).slice(-8)
  const cause = causeIn(log) ?? 'see what it said last'
  return new DatabaseFailure([`cannot ${act}: ${cause}`, ...lines].join('\n    '))
}

/** A failure of the file system as one about the database in `folder`; anything else stays what it is. */
export function failureInFolder(folder: string, error: unknown): unknown {
  if (!(error instanceof Error && 'syscall' in error)) return error
  return new DatabaseFailure(`cannot keep a database in ${folder}: ${error.message}`)
}
