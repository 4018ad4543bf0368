import { readdir, readFile } from 'node:fs/promises'
import type { OutgoingHttpHeaders } from 'node:http'
import { join, relative, sep } from 'node:path'
import { z } from 'zod'
import { AnswerError } from '../errors.ts'
import type { Endpoint } from '../http/endpoint.ts'
import type { AskNext, NextAnswer } from './ask.ts'

// What a built replica serves beside its page: the files of the build, and routes such as the icon. The build says which
// these are, so Next is asked for nothing else: it would render a page for each request for what does not exist.

/** Of one connection, or of one answer's making: Node sets them for each client. */
const ownOfEach = ['connection', 'keep-alive', 'transfer-encoding', 'date']

/** The paths of all assets of the build in `dir`. */
export async function findAssets(dir: string): Promise<ReadonlySet<string>> {
  return new Set([...(await listStaticFiles(dir)), ...(await listRoutes(dir))])
}

/**
 * Answers GET and HEAD for an asset. Next is asked once for each: an asset stays the same while the replica runs, so every
 * client gets the same bytes. A query changes nothing.
 */
export function assetEndpoint(ask: AskNext): Endpoint {
  const answers = new Map<string, Promise<NextAnswer>>()

  async function answerFor(path: string): Promise<NextAnswer> {
    const answer = await ask({ method: 'GET', url: path, headers: {}, view: null })
    if (answer.status !== 200) throw new Error(`Next answered ${answer.status} for ${path}`)
    return answer
  }

  return async ({ method, url = '/' }, response) => {
    if (method !== 'GET' && method !== 'HEAD') {
      response.setHeader('Allow', 'GET, HEAD')
      throw new AnswerError(405, 'method_not_allowed', 'Only GET and HEAD are taken here.')
    }
    const path = url.replace(/[?#].*/s, '')
    const asked = answers.get(path) ?? answerFor(path)
    answers.set(path, asked)
    // The next request may find that it answers.
    asked.catch(() => answers.delete(path))
    const { status, headers, body } = await asked
    response.writeHead(status, { ...headersToPass(headers), 'content-length': body.length })
    response.end(body)
  }
}

async function listStaticFiles(dir: string): Promise<string[]> {
  const folder = join(dir, '.next/static')
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const files = entries.filter(entry => entry.isFile())
  return files.map(({ parentPath, name }) => {
    const path = relative(folder, join(parentPath, name)).replaceAll(sep, '/')
    // As a browser writes it.
    return new URL(`/_next/static/${path}`, 'http://replica').pathname
  })
}

/** Files under web/app that Next serves at a path without a hash, such as icon.svg. */
async function listRoutes(dir: string): Promise<string[]> {
  const text = await readFile(join(dir, '.next/app-path-routes-manifest.json'), 'utf8')
  const routes = z.record(z.string(), z.string()).parse(JSON.parse(text))
  return Object.entries(routes).flatMap(([source, path]) => (source.endsWith('/route') ? [path] : []))
}

function headersToPass(headers: OutgoingHttpHeaders): OutgoingHttpHeaders {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !ownOfEach.includes(name)))
}
