// The board's accounts on a database server, on both stacks. With Docker deploy/compose/make-secrets.ts uses this in a container
// that has no packages: so this imports nothing.

/** The database of the board. */
export const databaseName = 'balance_board'
/** Owns the tables: for migrations, Prisma Studio, tests and people. Only the server's own machine reaches root. */
export const ownerAccount = 'board'
/** What replicas sign in with: it reads and writes rows, and changes no table, account or setting. */
export const replicaAccount = 'board_replica'

/**
 * Connections that an account may have at the same time with Docker: together five fewer than --max-connections in
 * docker-compose.yml, so that the health check and root always get in.
 */
export const mostConnections = { [replicaAccount]: 300, [ownerAccount]: 15 }

export type Passwords = { owner: string; replica: string }

export type AccountOptions = {
  /** from where the accounts may sign in: an address, or % for everywhere */
  host: string
  /** lets the owner make databases, which tests need and a stack does not */
  everything?: boolean
}

/**
 * The statements that make the accounts, a line each, for MySQL and MariaDB. The server runs them at every start, before
 * it answers anything: so the kept passwords always hold, on the data of an earlier release too.
 */
export function accountStatements(
  passwords: Passwords,
  { host, everything = false }: AccountOptions,
): string {
  const owner = `'${ownerAccount}'@'${host}'`
  const replica = `'${replicaAccount}'@'${host}'`
  return [
    `CREATE DATABASE IF NOT EXISTS ${databaseName} CHARACTER SET ascii COLLATE ascii_bin;`,
    ...signInStatements(owner, passwords.owner),
    `GRANT ALL PRIVILEGES ON ${everything ? '*' : databaseName}.* TO ${owner};`,
    ...signInStatements(replica, passwords.replica),
    `GRANT SELECT, INSERT, UPDATE, DELETE ON ${databaseName}.* TO ${replica};`,
    '',
  ].join('\n')
}

/** Makes the account `'name'@'host'` if it is not there, and sets its password, which may hold any character. */
export function signInStatements(account: string, password: string): string[] {
  const quoted = quote(password)
  return [
    `CREATE USER IF NOT EXISTS ${account} IDENTIFIED BY ${quoted};`,
    `ALTER USER ${account} IDENTIFIED BY ${quoted};`,
  ]
}

/** A string of SQL on one line. */
function quote(text: string): string {
  const escapes: Record<string, string> = { "'": "\\'", '\\': '\\\\', '\n': '\\n', '\r': '\\r' }
  return `'${text.replace(/['\\\n\r]/g, character => escapes[character] ?? character)}'`
}
