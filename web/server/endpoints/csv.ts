/** One record as RFC 4180 has it; null is an empty field. */
export function csvRecord(fields: (string | number | null)[]): string {
  return `${fields.map(field => quoted(String(field ?? ''))).join(',')}\r\n`
}

function quoted(field: string): string {
  const safe = inert(field)
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}

/**
 * A spreadsheet takes a text that begins like this for a formula; after an apostrophe it is a text.
 * Source: https://owasp.org/www-community/attacks/CSV_Injection
 */
function inert(field: string): string {
  return /^[=+\-@\t\r\n]/.test(field) ? `'${field}` : field
}
