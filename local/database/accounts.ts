/** The database's name and its one account; root can only be reached over the socket. */
export const databaseName = 'balance_board'
export const accountName = 'board'

/**
 * What the server runs at every start, before it answers anybody: so the kept password always holds.
 * `everything` lets the account make databases, which tests need and the stack does not.
 */
export function accountStatements(password: string, everything: boolean): string {
  const account = `'${accountName}'@'127.0.0.1'`
  return [
    `CREATE DATABASE IF NOT EXISTS ${databaseName} CHARACTER SET ascii COLLATE ascii_bin;`,
    `CREATE USER IF NOT EXISTS ${account} IDENTIFIED BY '${password}';`,
    `ALTER USER ${account} IDENTIFIED BY '${password}';`,
    `GRANT ALL PRIVILEGES ON ${everything ? '*' : databaseName}.* TO ${account};`,
    '',
  ].join('\n')
}
