const scripts = /(<script\b.*?<\/script>)/s

/** The same document in fewer characters: without end tags that HTML does not need, and without quotes around short words. */
export function shortenHtml(html: string): string {
  const parts = html.split(scripts)
  return parts.map((part, index) => (index % 2 === 0 ? shortenTags(part) : part)).join('')
}

/**
 * React escapes quotes in texts. Tokens are longer than these words: a visit's value may need quotes. So does a value before "/>".
 * Source: https://html.spec.whatwg.org/multipage/syntax.html#optional-tags
 */
function shortenTags(html: string): string {
  return html
    .replace(/><\/(?:circle|line|path|rect)>/g, '/>')
    .replace(/<\/t[dhr]>(?=<\/?t[bdhr])/g, '')
    .replace(/<\/(?:d[dt]|li|option)>(?=<(?:d[dt]|li|option)\b|<\/(?:dl|ol|select|ul)>)/g, '')
    .replace(/="([\w.%-]{1,24})"(?=[ >])/g, '=$1')
}
