/** The database was not migrated, and nothing in it was changed; the message is one clear sentence. */
export class MigrationRefused extends Error {
  override readonly name = 'MigrationRefused'
}
