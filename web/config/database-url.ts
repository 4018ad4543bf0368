import { readFileSync } from 'node:fs'

/**
 * `url`, a mysql:// one, with the password from a file in it if one is named: so it need not be in the environment. One
 * newline at the file's end is not part of the password; spaces are. Returns `url` unchanged if it is no URL.
 * @throws when the file cannot be read
 */
export function databaseUrlFrom(url: string, passwordFile?: string): string {
  if (!passwordFile || !URL.canParse(url)) return url
  const withPassword = new URL(url)
  withPassword.password = encodeURIComponent(readFileSync(passwordFile, 'utf8').replace(/\r?\n$/, ''))
  return withPassword.href
}
