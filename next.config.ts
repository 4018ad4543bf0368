import type { NextConfig } from 'next'

const config: NextConfig = {
  output: 'standalone',
  outputFileTracingRoot: process.cwd(),
  turbopack: { root: process.cwd() },
  typescript: { tsconfigPath: '../tsconfig.json' },
  poweredByHeader: false,
  compress: false,
  reactStrictMode: true,
  // The board's own address, through NGINX: the socket of hot reload is refused to others.
  allowedDevOrigins: ['127.0.0.1', ...(process.env.HTTP_HOST ? [process.env.HTTP_HOST] : [])],
  images: { unoptimized: true },
}

export default config
