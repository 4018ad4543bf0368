import mysql from 'mysql2/promise'

/** mysql2's own number of connections. */
export const pool = mysql.createPool({
  uri: process.env.DATABASE_URL ?? '',
  timezone: 'Z',
  dateStrings: true,
})
