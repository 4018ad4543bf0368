import { headers } from 'next/headers'
import { themeKey } from './theme.ts'

/** Runs while the page is still being read, so that a chosen theme is there with the first paint. */
const script = `try{const t=localStorage.getItem(${JSON.stringify(themeKey)});if(t==='light'||t==='dark')document.documentElement.dataset.theme=t}catch{}`

/** The page's policy lets only scripts with its nonce run: it is read where Next finds it for its own. */
export async function ThemeScript() {
  const policy = (await headers()).get('content-security-policy') ?? ''
  const nonce = /'nonce-([^']+)'/.exec(policy)?.[1]
  return <script nonce={nonce}>{script}</script>
}
