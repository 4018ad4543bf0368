import assert from 'node:assert/strict'
import { mkdir, writeFile } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { test } from 'node:test'
import { temporaryFolder } from '../tools/lib/testing.ts'
import { findNginx, parseBuild } from './find-nginx.ts'

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

test('the option -e is there from 1.19.5, and older than 1.18 is not supported', () => {
  const parse = (version: string) => parseBuild('/usr/sbin/nginx', `nginx version: nginx/${version}`)
  assert.equal(parse('1.18.0')?.errorLogOption, false)
  assert.equal(parse('1.19.4')?.errorLogOption, false)
  assert.equal(parse('1.19.5')?.errorLogOption, true)
  assert.equal(parse('1.17.10')?.unfit, 'is too old')
  assert.equal(parse('1.18.0')?.unfit, null)
})

test('what a build lacks of what the configuration needs is named', () => {
  const unfit = (options: string) =>
    parseBuild('/usr/sbin/nginx', `nginx version: nginx/1.22.1\nconfigure arguments: ${options}`)?.unfit
  assert.equal(unfit('--with-http_ssl_module --with-http_realip_module'), null)
  assert.equal(unfit('--with-http_ssl_module'), 'was built without realip')
  assert.equal(
    unfit('--with-http_realip_module --without-http_limit_req_module --without-http_geo_module'),
    'was built without geo, limit_req',
  )
})

test('an NGINX that is too old is skipped for a newer one', async () => {
  await using folder = await temporaryFolder()
  const paths = []
  for (const version of ['1.14.2', '1.22.1']) {
    const place = join(folder.path, version)
    await mkdir(place)
    await writeFile(join(place, 'nginx'), `#!/bin/sh\necho nginx version: nginx/${version} >&2\n`, {
      mode: 0o755,
    })
    paths.push(place)
  }
  assert.equal((await findNginx(paths.join(delimiter)))?.version, '1.22.1')
})

test('what says no version is not NGINX', () => {
  assert.equal(parseBuild('/usr/bin/nginx', 'hello'), null)
})
