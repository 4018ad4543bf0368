import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseBuild } from '../../../nginx/find-nginx.ts'
import { checkNginx } from './nginx.ts'

for (const [what, said, sentence] of [
  [
    'too old',
    'nginx version: nginx/1.14.2',
    /^\/usr\/sbin\/nginx, NGINX 1\.14\.2, is too old: install 1\.18\.0 or later/,
  ],
  [
    'built without a module',
    'nginx version: nginx/1.22.1\nconfigure arguments: --prefix=/usr/local/nginx',
    /^\/usr\/sbin\/nginx, NGINX 1\.22\.1, was built without realip: install /,
  ],
] as const)
  test(`an NGINX that is ${what} is refused in a sentence, before anything is started`, async () => {
    const find = async () => parseBuild('/usr/sbin/nginx', said)
    await assert.rejects(checkNginx({}, find), { name: 'UserError', message: sentence })
  })
