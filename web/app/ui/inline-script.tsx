import { headers } from 'next/headers'

/**
 * A script that runs while the page is still being read. The page's policy lets only scripts with its nonce run: it is read
 * where Next finds it for its own.
 */
export async function InlineScript({ source }: { source: string }) {
  const policy = (await headers()).get('content-security-policy') ?? ''
  const nonce = /'nonce-([^']+)'/.exec(policy)?.[1]
  return <script nonce={nonce}>{source}</script>
}
