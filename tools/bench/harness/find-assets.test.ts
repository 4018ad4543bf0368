import assert from 'node:assert/strict'
import { test } from 'node:test'
import { findAssets } from './find-assets.ts'

test('scripts, styles, icons and pictures of this site are found once each; links to pages, other sites and what old browsers need are not', () => {
  const html = `<link rel="stylesheet" href="/a.css"/><script src="/b.js" async=""></script><script async src="/b.js"></script>
    <script src="/old.js" noModule=""></script><link rel="icon" href="/icon.svg?x&amp;y"/><img src="/c.png"><a href="/elsewhere">x</a><script src="//other.org/d.js"></script>`
  assert.deepEqual(findAssets(html), ['/a.css', '/b.js', '/icon.svg?x&y', '/c.png'])
})
