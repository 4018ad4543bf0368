/** The paths of this site that a page's tags name, each once, as a browser fetches them when it loads the page. */
export function findAssets(html: string): string[] {
  const tags = html.matchAll(/<(?:script|link|img)\b[^>]*?\s(?:src|href)="(\/(?!\/)[^"]+)"/g)
  return [...new Set([...tags].flatMap(([, path]) => (path ? [path.replaceAll('&amp;', '&')] : [])))]
}
