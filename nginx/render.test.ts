import assert from 'node:assert/strict'
import { access, glob, readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { temporaryFolder } from '../tools/lib/testing.ts'
import { fillTemplate, type NginxSettings, renderNginx } from './render.ts'
import { testCertificate, testKey } from './testing/request.ts'

const good: NginxSettings = {
  directory: join(tmpdir(), 'balance-board-never-made'),
  host: '127.0.0.1',
  port: 8080,
  replicas: [{ address: '127.0.0.1:3000', srvId: '0'.repeat(32) }],
  stickySeconds: 300,
  native: false,
  errorLogOption: true,
}

const tls = { certificate: testCertificate, key: testKey, port: 8443, http2Directive: true }

const bad: [string, Partial<NginxSettings>, RegExp][] = [
  ['a host with more than an address in it', { host: '127.0.0.1; return 200' }, /no address/],
  ['no replica', { replicas: [] }, /at least one replica/],
  ['a replica without a port', { replicas: [{ address: 'web', srvId: '0'.repeat(32) }] }, /not ip:port/],
  ['a srv_id that is none', { replicas: [{ address: '127.0.0.1:3000', srvId: 'x' }] }, /not a srv_id/],
  ['a cookie that does not live', { stickySeconds: 0 }, /seconds/],
  ['no page view at a time', { pageViews: 0 }, /0 is not a number of page views/],
  ['a proxy that is no address', { trustedProxies: ['proxy.example'] }, /and not: proxy\.example/],
  ['a certificate without its key', { tls: { ...tls, key: '/none.key' } }, /certificate's key.*\/none\.key/],
  [
    'a key without its certificate',
    { tls: { ...tls, certificate: '/none.crt' } },
    /the certificate.*\/none\.crt/,
  ],
  ['a host that is none', { tls: { ...tls, publicHost: 'a/b; return 200' } }, /not the name of a host/],
  ['one port for HTTP and HTTPS', { tls: { ...tls, port: 8080 } }, /ports of their own/],
]

for (const [name, setting, message] of bad)
  test(`refused, with nothing written: ${name}`, async () => {
    await assert.rejects(renderNginx({ ...good, ...setting }), message)
    await assert.rejects(access(good.directory))
  })

test('neither an argument nor a file has the path of a folder of this machine, whatever characters it has', async () => {
  await using folder = await temporaryFolder()
  const directory = join(folder.path, 'a [b] {c} *? "d" $HOME')
  for (const native of [false, true])
    for (const settings of [{ tls, trustedProxies: ['10.0.0.7'] }, {}]) {
      const rendered = await renderNginx({ ...good, ...settings, native, directory })
      assert.ok(!rendered.arguments.join('\n').includes(folder.path), rendered.arguments.join(' '))
      for await (const name of glob('*.conf', { cwd: directory }))
        assert.ok(!(await readFile(join(directory, name), 'utf8')).includes(folder.path), name)
    }
})

test('an NGINX without the option -e is run without it', async () => {
  await using folder = await temporaryFolder()
  const settings = { ...good, directory: folder.path }
  assert.ok((await renderNginx(settings)).arguments.includes('-e'))
  assert.ok(!(await renderNginx({ ...settings, errorLogOption: false })).arguments.includes('-e'))
})

test("compose's limit of NGINX's memory has room for 512 MB a worker, by the defaults", async () => {
  const compose = await readFile(join(import.meta.dirname, '../docker-compose.yml'), 'utf8')
  const workers = Number(/NGINX_WORKERS: \$\{NGINX_WORKERS:-(\d+)\}/.exec(compose)?.[1])
  const gigabytes = Number(/mem_limit: \$\{NGINX_MEMORY:-(\d+)g\}/.exec(compose)?.[1])
  assert.ok(gigabytes * 1024 >= workers * 512, `${gigabytes} GB for ${workers} workers`)
})

test('only names in capitals and braces are filled in', () => {
  const filled = fillTemplate(`listen \${PORT}; $host \${host}`, { PORT: '80' })
  assert.equal(filled, `listen 80; $host \${host}`)
})

test('a name can hold digits', () => {
  assert.equal(fillTemplate(`\${HTTP2}`, { HTTP2: 'on' }), 'on')
})

test('a value is taken as it is', () => {
  assert.equal(fillTemplate(`\${A}`, { A: `$& \${B}` }), `$& \${B}`)
})

test('a variable that is not given is named', () => {
  assert.throws(() => fillTemplate(`\${PORT}`, {}), /needs PORT/)
})
