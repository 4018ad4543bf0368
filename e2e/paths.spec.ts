import { execFileSync } from 'node:child_process'
import { get } from 'node:http'
import { expect, test } from '@playwright/test'
import { readStackFile } from '../tools/launcher/stack/data-dir.ts'
import { openRelay } from './support/network.ts'
import { expectLive, watchConsole } from './support/page-checks.ts'

// Paths that do not exist: what visitors get, and what it costs the servers.

const backgrounds = { light: 'rgb(245, 246, 248)', dark: 'rgb(14, 17, 22)' }

for (const colorScheme of ['light', 'dark'] as const) {
  test(`a missing page has a link to the board, in ${colorScheme} colours`, async ({ page }) => {
    const errors: string[] = []
    page.on('pageerror', error => errors.push(String(error)))
    page.on('response', response => {
      if (response.status() >= 400) errors.push(`${response.status()} ${new URL(response.url()).pathname}`)
    })
    await page.emulateMedia({ colorScheme })
    await page.goto('/no/such/page?a=1')
    await expect(page).toHaveTitle('Nothing here · Balance Board')
    await expect(page.getByRole('heading', { name: 'Nothing here' })).toBeVisible()
    await expect(page.locator('html')).toHaveCSS('background-color', backgrounds[colorScheme])
    await page.waitForLoadState('networkidle')
    expect(page.url()).toMatch(/\/no\/such\/page\?a=1$/)
    expect(errors).toEqual(['404 /no/such/page'])
    await page.getByRole('link', { name: 'Go to the board' }).click()
    await expect(page.getByRole('heading', { name: 'Balance Board' })).toBeVisible()
  })
}

const paths = ['/nope', '/nope/', '/index', '/_global-error', '/_not-found', '/500', '/%ff', '/icon.svg/']
const pathsForScripts = [
  '/api/nope',
  '/lab/nope',
  '/_next/static/nope.js',
  '/_next/image?url=%2Ficon.svg&w=64&q=75',
  '/nope?_rsc=1',
]

test('every missing path is a 404: a page, and JSON for scripts', async ({ request }) => {
  for (const path of [...paths, ...pathsForScripts]) {
    const answer = await request.get(path, { maxRedirects: 0, headers: { Accept: 'text/html' } })
    const type = pathsForScripts.includes(path) ? 'application/json' : 'text/html'
    expect([path, answer.status(), answer.headers()['content-type']]).toEqual([
      path,
      404,
      `${type}; charset=utf-8`,
    ])
  }
  for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS']) {
    const answer = await request.fetch('/nope', { method, headers: { Accept: 'application/json' } })
    expect(answer.status()).toBe(404)
    expect(await answer.json()).toEqual({
      error: { code: 'not_found', message: 'There is nothing at this address.' },
    })
  }
})

test('assets answer GET and HEAD, with any query', async ({ request }) => {
  const page = await (await request.get('/')).text()
  const script = /\/_next\/static\/chunks\/[^"]+\.js/.exec(page)?.[0] ?? ''
  for (const [path, type] of [
    [script, 'application/javascript; charset=UTF-8'],
    ['/icon.svg', 'image/svg+xml'],
    ['/icon.svg?v=2', 'image/svg+xml'],
  ] as const) {
    const [whole, head] = [await request.get(path), await request.head(path)]
    expect([whole.status(), whole.headers()['content-type']]).toEqual([200, type])
    expect([head.status(), head.headers()['content-type']]).toEqual([200, type])
    expect((await whole.body()).length).toBeGreaterThan(0)
  }
})

/** Sends `times` requests at the same time, each on a new connection. @returns the statuses */
function requestTogether(url: string, times: number): Promise<(number | undefined)[]> {
  const send = (path: string) =>
    new Promise<number | undefined>((resolve, reject) => {
      const request = get(url + path, { agent: false }, response => {
        response.resume().on('end', () => resolve(response.statusCode))
      })
      request.on('error', reject)
    })
  return Promise.all(Array.from({ length: times }, (_, index) => send(`/nope/${index}`)))
}

test('three thousand requests for missing pages cost a server almost no memory', async () => {
  test.skip(!process.env.STACK_FILE, 'needs a stack of plain processes')
  const [replica] = readStackFile(process.env.STACK_FILE ?? '')?.replicas ?? []
  const megabytes = () => Number(execFileSync('ps', ['-o', 'rss=', '-p', String(replica?.pid)])) / 1024
  const request = (times: number) => requestTogether(`http://${replica?.address}`, times)
  // A warm-up: connections and compiled code cost memory once.
  await request(500)
  const before = megabytes()
  for (let round = 0; round < 3; round++) expect(new Set(await request(1000))).toEqual(new Set([404]))
  // When the page was rendered for each request, the first thousand cost 250 MB.
  expect(megabytes() - before).toBeLessThan(100)
})

const pathNotice = /^This board works only at the path \//

const withoutBoard = (path: string) => (path.startsWith('/board/') ? path.slice('/board'.length) : null)

test('under a proxy’s path the page says that it does not work there', async ({ page, baseURL }) => {
  await using relay = await openRelay(baseURL ?? '', { pathOf: withoutBoard })
  await page.goto(`${relay.url}/board/`)
  await expect(page.getByRole('alert')).toHaveText(
    /^This board works only at the path \/ .* here its path is \/board\/\./,
  )
  await expect(page.getByRole('alert')).toBeInViewport()
})

test('the notice is an alert also in a browser without Element.role', async ({ page, baseURL }) => {
  await using relay = await openRelay(baseURL ?? '', { pathOf: withoutBoard })
  await page.addInitScript('delete Element.prototype.role')
  await page.goto(`${relay.url}/board/`)
  await expect(page.getByRole('alert')).toHaveText(pathNotice)
})

test('if the proxy also passes on requests to /, the board works beside the notice', async ({
  page,
  baseURL,
}) => {
  await using relay = await openRelay(baseURL ?? '', { pathOf: path => withoutBoard(path) ?? path })
  const complaints = watchConsole(page)
  await page.goto(`${relay.url}/board/`)
  await expect(page.getByText(pathNotice)).toBeVisible()
  await expectLive(page)
  expect(complaints).toEqual([])
})

test('at the root of a host there is no notice, also with a query', async ({ page }) => {
  for (const address of ['/', '/?from=elsewhere', '/#log']) {
    await page.goto(address)
    await expect(page.getByRole('region', { name: 'Your visit' })).toBeVisible()
    await expect(page.getByText(pathNotice)).toHaveCount(0)
  }
})
