const scripts = /(<script\b.*?<\/script>)/s

/** The same document in fewer characters: without end tags that HTML does not need, and without quotes around short words. */
export function shortenHtml(html: string): string {
  const parts = html.split(scripts)
  return parts.map((part, index) => (index % 2 === 0 ? shortenTags(part) : part)).join('')
}

/**
 * React escapes quotes and ">" in texts and attributes. Tokens are longer than these words: a visit's value may need quotes. An unquoted
 * value before "/>" needs a space, else the slash would belong to it.
 * Source: https://html.spec.whatwg.org/multipage/syntax.html#optional-tags
 */
function shortenTags(html: string): string {
  return html
    .replace(/><\/(?:circle|line|path|rect)>/g, '/>')
    .replace(/<\/t[dhr]>(?=<\/?t[bdhr])/g, '')
    .replace(/<\/(?:d[dt]|li|option)>(?=<(?:d[dt]|li|option)\b|<\/(?:div|dl|ol|select|ul)>)/g, '')
    .replace(
      /<\/p>(?=<(?:details|div|dl|form|h[1-6]|ol|p|section|table|ul)\b|<\/(?:div|figure|header|main|section)>)/g,
      '',
    )
    .replace(/="([\w.%-]{1,24})"(?=[ >])/g, '=$1')
    .replace(/="([\w.%-]{1,24})"\/>/g, '=$1 />')
    .replace(/(<(?:input|link|meta)\b[^>]*?) ?\/>/g, '$1>')
}
