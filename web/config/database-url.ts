import { readFileSync } from 'node:fs'

/**
 * The database's URL from the environment: DATABASE_URL, with the password from DATABASE_PASSWORD_FILE in it where that
 * is set, so that it need not stand in the environment. Not checked to be a URL. @throws when the file cannot be read
 */
export function databaseUrlFrom(variables: Record<string, string | undefined>): string {
  const { DATABASE_URL: url = '', DATABASE_PASSWORD_FILE: file } = variables
  if (!file || !URL.canParse(url)) return url
  const withPassword = new URL(url)
  withPassword.password = encodeURIComponent(readFileSync(file, 'utf8').trim())
  return withPassword.href
}
