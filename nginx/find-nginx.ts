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
  /** whether it has the option `-e`; if not, it opens the log of the machine's own NGINX before it reads its configuration */
  errorLogOption: boolean
  /** false if it is older than `leastNginx`, for which the configuration is not written */
  isSupported: boolean
}

/** The oldest version that the configuration is tested with; README.md says the same. */
export const leastNginx = '1.18.0'

/**
 * The first `nginx` that runs, says its version and is not too old; else the first that is too old; null = none on this
 * machine.
 */
export async function findNginx(searchPath = process.env.PATH ?? ''): Promise<NginxProgram | null> {
  let tooOld: NginxProgram | null = null
  for (const path of findPrograms('nginx', searchPath)) {
    const program = await describe(path)
    if (program?.isSupported) return program
    tooOld ??= program
  }
  return tooOld
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
 * https://nginx.org/en/docs/switches.html (-e)
 */
export function parseBuild(path: string, text: string): NginxProgram | null {
  const version = /nginx\/(\d+\.\d+\.\d+)/.exec(text)?.[1]
  if (!version) return null
  return {
    path,
    version,
    native: isAtLeast(version, '1.29.6') && !text.includes('--without-http_upstream_sticky'),
    http2Directive: isAtLeast(version, '1.25.1'),
    errorLogOption: isAtLeast(version, '1.19.5'),
    isSupported: isAtLeast(version, leastNginx),
  }
}

function isAtLeast(version: string, least: string): boolean {
  const parts = version.split('.').map(Number)
  for (const [index, bound] of least.split('.').map(Number).entries()) {
    const part = parts[index] ?? 0
    if (part !== bound) return part > bound
  }
  return true
}
