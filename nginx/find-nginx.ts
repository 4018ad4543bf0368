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
  /** why it does not understand the configuration, for example `is too old`; null if it does */
  unfit: string | null
}

/** The oldest version that the configuration is tested with; README.md says the same. */
export const leastNginx = '1.18.0'

/** Modules that the configuration needs. Of these, a build has realip only if it is asked for, the others unless they are left out. */
const neededModules = [
  'realip',
  'rewrite',
  'proxy',
  'map',
  'geo',
  'gzip',
  'limit_req',
  'limit_conn',
  'upstream_zone',
  'upstream_least_conn',
  'upstream_keepalive',
]

/** The first `nginx` that runs, says its version and is fit; else the first that is not fit; null = none on this machine. */
export async function findNginx(searchPath = process.env.PATH ?? ''): Promise<NginxProgram | null> {
  let unfit: NginxProgram | null = null
  for (const path of findPrograms('nginx', searchPath)) {
    const program = await describe(path)
    if (program?.unfit === null) return program
    unfit ??= program
  }
  return unfit
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
    unfit: isAtLeast(version, leastNginx) ? saysWhatItLacks(text) : 'is too old',
  }
}

/** Reads the options that it was built with. Source: https://nginx.org/en/docs/configure.html */
function saysWhatItLacks(text: string): string | null {
  if (!text.includes('configure arguments:')) return null
  const isThere = (name: string) =>
    name === 'realip'
      ? text.includes('--with-http_realip_module')
      : !text.includes(`--without-http_${name}_module`)
  const lacks = neededModules.filter(name => !isThere(name))
  return lacks.length > 0 ? `was built without ${lacks.join(', ')}` : null
}

function isAtLeast(version: string, least: string): boolean {
  const parts = version.split('.').map(Number)
  for (const [index, bound] of least.split('.').map(Number).entries()) {
    const part = parts[index] ?? 0
    if (part !== bound) return part > bound
  }
  return true
}
