// The board's accounts on a database server, for both stacks. This file imports nothing: deploy/compose/make-secrets.ts runs it in
// a container without packages.

export const databaseName = 'balance_board'
/** Owns the tables: for migrations, Prisma Studio, tests and people. The account root can sign in only on the server's machine. */
export const ownerAccount = 'board'
/** The account of the replicas. It reads and writes rows, but cannot change tables, accounts or settings. */
export const replicaAccount = 'board_replica'

/**
 * Maximum connections of each account with Docker. Their sum is five less than --max-connections in docker-compose.yml, so the
 * health check and root can always connect.
 */
export const mostConnections = { [replicaAccount]: 300, [ownerAccount]: 15 }

export type Passwords = { owner: string; replica: string }

type AccountOptions = {
  /** address from which the accounts may sign in; % = any */
  host: string
  /** lets the owner create databases, for tests */
  everything?: boolean
}

/**
 * The statements that create the accounts, one per line, for MySQL and MariaDB. The server runs them at every start, before it
 * accepts connections. So the saved passwords always apply, also to data of an earlier release.
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

/**
 * The statements for the database of the stack with Docker: also the limits of connections, and two accounts that sign in only in
 * MySQL's container: root, for people, and the health check, which has no privilege.
 */
export function containerStatements(passwords: Passwords & { root: string; health: string }): string {
  return [
    accountStatements(passwords, { host: '%' }),
    ...Object.entries(mostConnections).map(
      ([account, most]) => `ALTER USER '${account}'@'%' WITH MAX_USER_CONNECTIONS ${most};`,
    ),
    ...signInStatements("'root'@'localhost'", passwords.root),
    ...signInStatements("'board_health'@'127.0.0.1'", passwords.health),
    '',
  ].join('\n')
}

/** Creates the account `'name'@'host'` if it is missing, and sets its password. The password may contain any character. */
function signInStatements(account: string, password: string): string[] {
  const quoted = quote(password)
  return [
    `CREATE USER IF NOT EXISTS ${account} IDENTIFIED BY ${quoted};`,
    `ALTER USER ${account} IDENTIFIED BY ${quoted};`,
  ]
}

/** An SQL string literal on one line. */
function quote(text: string): string {
  const escapes: Record<string, string> = { "'": "\\'", '\\': '\\\\', '\n': '\\n', '\r': '\\r' }
  return `'${text.replace(/['\\\n\r]/g, character => escapes[character] ?? character)}'`
}
