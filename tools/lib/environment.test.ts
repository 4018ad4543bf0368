import assert from 'node:assert/strict'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { readEnvFile } from './environment.ts'
import { temporaryFolder } from './testing.ts'

const encodings = {
  plain: (text: string) => Buffer.from(text),
  'with a byte order mark': (text: string) => Buffer.from(`\uFEFF${text}`),
  'with the line ends of Windows': (text: string) => Buffer.from(text.replaceAll('\n', '\r\n')),
  'with both': (text: string) => Buffer.from(`\uFEFF${text.replaceAll('\n', '\r\n')}`),
}

for (const [name, encode] of Object.entries(encodings))
  test(`.env is read: ${name}`, async () => {
    await using folder = await temporaryFolder()
    const path = join(folder.path, '.env')
    await writeFile(
      path,
      encode('HTTP_PORT=127.0.0.1:8080\n# für\nREPLICAS=5\nDATA_DIR="/srv/ü b"\nEMPTY=\n'),
    )
    assert.deepEqual(
      { ...readEnvFile(path) },
      {
        HTTP_PORT: '127.0.0.1:8080',
        REPLICAS: '5',
        DATA_DIR: '/srv/ü b',
        EMPTY: '',
      },
    )
  })

test('without .env no variable is set', async () => {
  await using folder = await temporaryFolder()
  assert.deepEqual(readEnvFile(join(folder.path, '.env')), {})
})

test('the message about an unreadable .env is one sentence', async () => {
  await using folder = await temporaryFolder()
  const path = join(folder.path, '.env')
  for (const text of ['\uFEFFREPLICAS=5', 'REPLICAS=5']) {
    await writeFile(path, text, 'utf16le')
    assert.throws(() => readEnvFile(path), {
      name: 'UserError',
      message: `${path} is not UTF-8 text: save it as UTF-8`,
    })
  }
  await mkdir(join(folder.path, 'folder'))
  assert.throws(() => readEnvFile(join(folder.path, 'folder')), {
    name: 'UserError',
    message: /folder is a folder: remove it, or replace it by a file$/,
  })
  assert.throws(() => readEnvFile(join(path, 'below')), {
    name: 'UserError',
    message: /cannot be read: ENOTDIR/,
  })
})
