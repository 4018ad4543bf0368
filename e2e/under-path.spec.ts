import { expect, test } from '@playwright/test'
import { openRelay } from './support/relay.ts'
import { watchConsole } from './support/watch-console.ts'

const text = /^This board works only at the path \//

const withoutBoard = (path: string) => (path.startsWith('/board/') ? path.slice('/board'.length) : null)

test('under a path of another proxy the page says that it does not work there', async ({ page, baseURL }) => {
  await using relay = await openRelay(baseURL ?? '', { pathOf: withoutBoard })
  await page.goto(`${relay.url}/board/`)
  await expect(page.getByRole('alert')).toHaveText(
    /^This board works only at the path \/ .* here its path is \/board\/\./,
  )
  await expect(page.getByRole('alert')).toBeInViewport()
})

test('where the proxy also passes on what the page asks for at /, the board lives beside that notice', async ({
  page,
  baseURL,
}) => {
  await using relay = await openRelay(baseURL ?? '', { pathOf: path => withoutBoard(path) ?? path })
  const complaints = watchConsole(page)
  await page.goto(`${relay.url}/board/`)
  await expect(page.getByText(text)).toBeVisible()
  await expect(page.getByRole('status')).toHaveText('Live')
  expect(complaints).toEqual([])
})

test('at the root of a host there is no notice, with a query either', async ({ page }) => {
  for (const address of ['/', '/?from=elsewhere', '/#log']) {
    await page.goto(address)
    await expect(page.getByRole('region', { name: 'Your visit' })).toBeVisible()
    await expect(page.getByText(text)).toHaveCount(0)
  }
})
