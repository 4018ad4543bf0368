import { headers } from 'next/headers'
import { ScriptInHtml, type ScriptName } from './script-sources.tsx'

/**
 * A script that runs while the page is still loading. The page's policy allows only scripts with its nonce, which comes from
 * the same header that Next reads it from.
 */
async function InlineScript({ name }: { name: ScriptName }) {
  const policy = (await headers()).get('content-security-policy') ?? ''
  return <ScriptInHtml name={name} nonce={/'nonce-([^']+)'/.exec(policy)?.[1]} />
}

/** Sets the theme, and formats times and figures. */
export function StartScript() {
  return <InlineScript name="start" />
}

/**
 * Says that the board does not work under a path of another proxy, like /board/. There the page loads, but none of its
 * files, styles and API answers. So the text is in the page itself.
 */
export function PathNotice() {
  return <InlineScript name="path" />
}
