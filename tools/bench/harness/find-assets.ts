/** The paths of this site that a page's tags name, each once, as a browser fetches them when it loads the page. */
export function findAssets(html: string): string[] {
  // What only browsers without modules fetch, none of today's do.
  const tags = html.matchAll(
    /<(?:script|link|img)\b(?![^>]*\snomodule)[^>]*?\s(?:src|href)="(\/(?!\/)[^"]+)"/gi,
  )
  return [...new Set([...tags].flatMap(([, path]) => (path ? [path.replaceAll('&amp;', '&')] : [])))]
}
