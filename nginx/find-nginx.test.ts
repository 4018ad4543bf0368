import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseBuild } from './find-nginx.ts'

const native = (text: string) => parseBuild('/usr/sbin/nginx', text)?.native

test('sticky is there from 1.29.6', () => {
  assert.equal(native('nginx version: nginx/1.22.1'), false)
  assert.equal(native('nginx version: nginx/1.29.5'), false)
  assert.equal(native('nginx version: nginx/1.29.6'), true)
  assert.equal(native('nginx version: nginx/1.30.0 (Ubuntu)'), true)
  assert.equal(native('nginx version: nginx/2.0.0'), true)
})

test('sticky can be left out of a build', () => {
  const text = 'nginx version: nginx/1.30.6\nconfigure arguments: --without-http_upstream_sticky_module'
  assert.equal(native(text), false)
})

test('http2 is a directive from 1.25.1', () => {
  const http2Directive = (version: string) =>
    parseBuild('/usr/sbin/nginx', `nginx version: nginx/${version}`)?.http2Directive
  assert.equal(http2Directive('1.25.0'), false)
  assert.equal(http2Directive('1.25.1'), true)
})

test('what says no version is not NGINX', () => {
  assert.equal(parseBuild('/usr/bin/nginx', 'hello'), null)
})
