import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { findPrograms } from '../tools/install/programs.mjs'

/** The NGINX program of this machine. */
export type NginxProgram = {
  path: string
  version: string
  /** whether it has `sticky`; if not, stickiness is made of maps */
  native: boolean
  /** whether HTTP/2 is the directive `http2`; if not, it is a parameter of `listen` */
  http2Directive: boolean
}

/** The first `nginx` that runs and says its version; null = none on this machine. */
export async function findNginx(searchPath = process.env.PATH ?? ''): Promise<NginxProgram | null> {
  for (const path of findPrograms('nginx', searchPath)) {
    const program = await describe(path)
    if (program) return program
  }
  return null
}

async function describe(path: string): Promise<NginxProgram | null> {
  try {
    const { stderr } = await promisify(execFile)(path, ['-V'])
    return parseBuild(path, stderr)
  } catch {
    return null // not there, or of no use here: built for another machine, a library missing
  }
}

/**
 * Reads what `nginx -V` says. Sources of the versions:
 * https://nginx.org/en/docs/http/ngx_http_upstream_module.html#sticky
 * https://nginx.org/en/docs/http/ngx_http_v2_module.html#http2
 */
export function parseBuild(path: string, text: string): NginxProgram | null {
  const version = /nginx\/(\d+\.\d+\.\d+)/.exec(text)?.[1]
  if (!version) return null
  const native = isAtLeast(version, [1, 29, 6]) && !text.includes('--without-http_upstream_sticky')
  return { path, version, native, http2Directive: isAtLeast(version, [1, 25, 1]) }
}

function isAtLeast(version: string, least: [number, number, number]): boolean {
  const parts = version.split('.').map(Number)
  for (const [index, bound] of least.entries()) {
    const part = parts[index] ?? 0
    if (part !== bound) return part > bound
  }
  return true
}
