import { hostname, networkInterfaces } from 'node:os'
import type { NextConfig } from 'next'

const config: NextConfig = {
  output: 'standalone',
  outputFileTracingRoot: process.cwd(),
  turbopack: { root: process.cwd() },
  typescript: { tsconfigPath: '../tsconfig.json' },
  poweredByHeader: false,
  compress: false,
  // The board's own address, through NGINX: the socket of hot reload is refused to others.
  allowedDevOrigins: ownHosts(process.env.HTTP_HOST || '127.0.0.1'),
  images: { unoptimized: true },
  experimental: {
    // The board is the only page: fewer files are fewer bytes, in all and in the HTML that names them.
    turbopackChunking: { minChunkSize: 2_000_000, maxMergeChunkSize: 5_000_000 },
    turbopackSharedRuntime: false,
  },
}

/** The hosts, as a browser's Origin has them, where a board that listens on `host` is; on every address, those of this machine. */
function ownHosts(host: string): string[] {
  const isEvery = host === '0.0.0.0' || host === '::'
  const addresses = Object.values(networkInterfaces()).flatMap(
    found => found?.map(({ address }) => address) ?? [],
  )
  const hosts = isEvery ? [hostname().toLowerCase(), ...addresses] : [host]
  return ['127.0.0.1', ...hosts].map(each => (each.includes(':') ? `[${each}]` : each))
}

export default config
