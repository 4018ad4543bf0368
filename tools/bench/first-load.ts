import { gunzipSync } from 'node:zlib'
import type { Contender } from './contenders/contender.ts'
import { kilobytes } from './harness/figure-texts.ts'
import { findAssets } from './harness/find-assets.ts'
import { type BrowserAnswer, getAsBrowser } from './harness/get-as-browser.ts'
import type { Target } from './target.ts'

/** Bytes of the page, whose log must be full by now, and of all that its HTML names, compressed as they come. */
export async function measureFirstLoad({ url }: Contender): Promise<Target[]> {
  const page = await getAsBrowser(url)
  const assets = await Promise.all(findAssets(textOf(page)).map(path => getAsBrowser(new URL(path, url))))
  const sum = (answers: BrowserAnswer[]) => answers.reduce((bytes, { body }) => bytes + body.length, 0)
  const scripts = assets.filter(({ response }) => response.headers['content-type']?.includes('javascript'))
  return [
    target('HTML', 10_000, page.body.length),
    target('JavaScript', 175_000, sum(scripts)),
    target('all', 200_000, sum([page, ...assets])),
  ]
}

function textOf({ response, body }: BrowserAnswer): string {
  return (response.headers['content-encoding'] === 'gzip' ? gunzipSync(body) : body).toString('utf8')
}

const target = (what: string, most: number, bytes: number): Target => ({
  what: `first load, compressed: ${what}`,
  asked: kilobytes(most),
  found: kilobytes(bytes),
  figure: bytes,
  met: bytes <= most,
})
