import { headers } from 'next/headers'
import { themeKey } from './theme.ts'

/**
 * A script that runs while the page is still being read. The page's policy lets only scripts with its nonce run: it is read
 * where Next finds it for its own.
 */
async function InlineScript({ source }: { source: string }) {
  const policy = (await headers()).get('content-security-policy') ?? ''
  const nonce = /'nonce-([^']+)'/.exec(policy)?.[1]
  return <script nonce={nonce}>{source}</script>
}

/** So that a chosen theme is there with the first paint. */
const themeSource = `try{const t=localStorage.getItem(${JSON.stringify(themeKey)});if(t==='light'||t==='dark')document.documentElement.dataset.theme=t}catch{}`

export function ThemeScript() {
  return <InlineScript source={themeSource} />
}

/** React leaves elements alone that it did not make: this one is there only where a host serves the page under another path. */
const pathNoticeSource = `if(/^https?:$/.test(location.protocol)&&location.pathname!=='/'){const p=document.createElement('p');p.setAttribute('role','alert');p.textContent='This board works only at the path / of a host, and here its path is '+location.pathname+'. The proxy in front of it needs a host name or a port for it alone.';document.body.prepend(p)}`

/**
 * Says that the board does not work under a path of another proxy, as /board/: the page comes, and none of the files,
 * styles and answers it asks for. So the text is in the page itself.
 */
export function PathNotice() {
  return <InlineScript source={pathNoticeSource} />
}
