import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'

test('the image’s user may read all that is in it, whatever rights the files of a clone have', () => {
  const text = readFileSync(join(import.meta.dirname, 'Dockerfile'), 'utf8')
  const last = text.split(/^FROM .*$/m).at(-1) ?? ''
  const opened = /^RUN .*&& chmod -R a\+rX (.*)$/m.exec(text)?.[1]?.split(' ') ?? []
  const copies = [...last.matchAll(/^COPY (.*)$/gm)].map(([, words = '']) => words.split(' '))
  assert.ok(copies.length > 0)
  for (const words of copies) {
    assert.ok(words.includes('--from=build'), words.join(' '))
    const sources = words.filter(word => !word.startsWith('--')).slice(0, -1)
    for (const source of sources)
      assert.ok(
        opened.some(path => `/app/${path}` === source),
        `${source} keeps the rights it has in the clone`,
      )
  }
})
