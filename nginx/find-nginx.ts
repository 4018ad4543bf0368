import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { findPrograms } from '../tools/install/programs.mjs'

/** The NGINX program of this machine. */
export type NginxProgram = {
  path: string
  version: string
  /** whether it has `sticky`; otherwise maps bind visitors */
  native: boolean
  /** whether HTTP/2 is the directive `http2`; otherwise it is a parameter of `listen` */
  http2Directive: boolean
  /** whether it has the option `-e`; otherwise it opens the system's error log before it reads its configuration */
  errorLogOption: boolean
  /** whether it has `stub_status`, for the monitoring */
  statusPage: boolean
  /** why it cannot use the configuration, for example `is too old`; null if it can */
  unfit: string | null
}

/** The oldest version with which the configuration is tested. */
export const leastNginx = '1.18.0'

/** Modules that the configuration needs. A build has realip only if configured so, and the others unless they are excluded. */
const neededModules = [
  'realip',
  'rewrite',
  'proxy',
  'map',
  'geo',
  'split_clients',
  'gzip',
  'limit_req',
  'limit_conn',
  'upstream_zone',
  'upstream_least_conn',
  'upstream_keepalive',
]

/** The first suitable `nginx` of this machine, else the first unsuitable one; null if none runs. */
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
    return null // does not run here: built for another machine, or a library is missing
  }
}

/**
 * Parses the output of `nginx -V`. Sources of the versions:
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
    statusPage: text.includes('--with-http_stub_status_module'),
    unfit: isAtLeast(version, leastNginx) ? missingModules(text) : 'is too old',
  }
}

/** Finds missing modules by the options of the build. Source: https://nginx.org/en/docs/configure.html */
function missingModules(text: string): string | null {
  if (!text.includes('configure arguments:')) return null
  const isIncluded = (name: string) =>
    name === 'realip'
      ? text.includes('--with-http_realip_module')
      : !text.includes(`--without-http_${name}_module`)
  const missing = neededModules.filter(name => !isIncluded(name))
  return missing.length > 0 ? `was built without ${missing.join(', ')}` : null
}

function isAtLeast(version: string, least: string): boolean {
  const parts = version.split('.').map(Number)
  for (const [index, bound] of least.split('.').map(Number).entries()) {
    const part = parts[index] ?? 0
    if (part !== bound) return part > bound
  }
  return true
}
