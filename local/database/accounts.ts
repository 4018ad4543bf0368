/** The database of the board. */
export const databaseName = 'balance_board'
/** Owns the tables: for migrations, Prisma Studio, tests and people. root can only be reached over the socket. */
export const ownerAccount = 'board'
/** What replicas sign in with: it reads and writes rows, and changes no table, account or setting. */
export const replicaAccount = 'board_replica'

export type Passwords = { owner: string; replica: string }

/**
 * What the server runs at every start, before it answers anybody: so the kept passwords always hold, in a folder of an
 * earlier release too. `everything` lets the owner make databases, which tests need and the stack does not.
 */
export function accountStatements(passwords: Passwords, everything: boolean): string {
  const owner = `'${ownerAccount}'@'127.0.0.1'`
  const replica = `'${replicaAccount}'@'127.0.0.1'`
  return [
    `CREATE DATABASE IF NOT EXISTS ${databaseName} CHARACTER SET ascii COLLATE ascii_bin;`,
    `CREATE USER IF NOT EXISTS ${owner} IDENTIFIED BY '${passwords.owner}';`,
    `ALTER USER ${owner} IDENTIFIED BY '${passwords.owner}';`,
    `GRANT ALL PRIVILEGES ON ${everything ? '*' : databaseName}.* TO ${owner};`,
    `CREATE USER IF NOT EXISTS ${replica} IDENTIFIED BY '${passwords.replica}';`,
    `ALTER USER ${replica} IDENTIFIED BY '${passwords.replica}';`,
    `GRANT SELECT, INSERT, UPDATE, DELETE ON ${databaseName}.* TO ${replica};`,
    '',
  ].join('\n')
}
