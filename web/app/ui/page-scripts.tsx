import { headers } from 'next/headers'
import { themeKey } from './theme.ts'

/**
 * A script that runs while the page is still loading. The page's policy allows only scripts with its nonce, which comes from
 * the same header that Next reads it from.
 */
async function InlineScript({ source }: { source: string }) {
  const policy = (await headers()).get('content-security-policy') ?? ''
  const nonce = /'nonce-([^']+)'/.exec(policy)?.[1]
  return <script nonce={nonce}>{source}</script>
}

/** Sets a chosen theme before the first paint. */
const themeSource = `try{const t=localStorage.getItem(${JSON.stringify(themeKey)});if(t==='light'||t==='dark')document.documentElement.dataset.theme=t}catch{}`

export function ThemeScript() {
  return <InlineScript source={themeSource} />
}

/** Adds an element, which React ignores, only if a host serves the page under another path. */
const pathNoticeSource = `if(/^https?:$/.test(location.protocol)&&location.pathname!=='/'){const p=document.createElement('p');p.setAttribute('role','alert');p.textContent='This board works only at the path / of a host, and here its path is '+location.pathname+'. The proxy in front of it needs a host name or a port for it alone.';document.body.prepend(p)}`

/**
 * Says that the board does not work under a path of another proxy, like /board/. There the page loads, but none of its
 * files, styles and API answers. So the text is in the page itself.
 */
export function PathNotice() {
  return <InlineScript source={pathNoticeSource} />
}
