import { readFileSync } from 'node:fs'

/**
 * `url`, a mysql:// one, with the password from a file in it where one is named, so that it need not stand in the
 * environment. Left as it is when it is no URL. @throws when the file cannot be read
 */
export function databaseUrlFrom(url: string, passwordFile?: string): string {
  if (!passwordFile || !URL.canParse(url)) return url
  const withPassword = new URL(url)
  withPassword.password = encodeURIComponent(readFileSync(passwordFile, 'utf8').trim())
  return withPassword.href
}
