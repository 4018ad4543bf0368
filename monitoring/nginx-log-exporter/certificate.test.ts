import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { createServer } from 'node:tls'
import { Registry } from 'prom-client'
import { testCertificate, testKey } from '../../nginx/testing/request.ts'
import { eventually, startStubServer } from '../../tools/lib/testing.ts'
import { readCertificateEnd, watchCertificate } from './certificate.ts'

test('the end of the served certificate is read, also of one that is not trusted', async () => {
  const cert = readFileSync(testCertificate)
  await using stub = await startStubServer(createServer({ cert, key: readFileSync(testKey) }))
  const address = `127.0.0.1:${stub.port}`
  const end = Date.parse(new X509Certificate(cert).validTo) / 1000
  assert.equal(await readCertificateEnd(address), end)

  const registry = new Registry()
  watchCertificate(registry, address)
  const line = `balance_board_nginx_certificate_expiry_timestamp_seconds{address="${address}"} `
  const text = await eventually(async () => {
    const text = await registry.metrics()
    return text.includes(line) && text
  })
  assert.equal(Number(text.split(line)[1]), end)
})

test('plain HTTP, and a port at which nothing listens, have no certificate', async () => {
  const stub = await startStubServer((_request, response) => response.end())
  const address = `127.0.0.1:${stub.port}`
  assert.equal(await readCertificateEnd(address), null)
  await stub[Symbol.asyncDispose]()
  assert.equal(await readCertificateEnd(address), null)
})
