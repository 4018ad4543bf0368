import type { PageView } from '../../shared/page-view.ts'
import { contentSecurityPolicy } from './content-security-policy.ts'
import { Template } from './template.ts'

/** Has Next render `/` with these request headers, as a page that shows this view. @throws when it does not answer 200 */
export type RenderPage = (view: PageView, headers: Record<string, string>) => Promise<string>

/** How a replica's pages are rendered, whatever they show. */
export type PageRendering = {
  renderPage: RenderPage
  server: PageView['server']
  stickySeconds: number
  development: boolean
}

/** Has Next render the page with tokens in it. @throws when it cannot, or when a token is missing */
export async function renderTemplate<Slot extends string>(
  { renderPage, server, stickySeconds, development }: PageRendering,
  shown: Pick<PageView, 'snapshot' | 'visit' | 'problem'>,
  tokens: Record<Slot | 'nonce', string>,
): Promise<Template<Slot | 'nonce'>> {
  const headers = { 'content-security-policy': contentSecurityPolicy(tokens.nonce, development) }
  const view = { ...shown, server, sticky_seconds: stickySeconds }
  return new Template(await renderPage(view, headers), tokens)
}
