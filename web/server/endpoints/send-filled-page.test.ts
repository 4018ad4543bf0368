import assert from 'node:assert/strict'
import { IncomingMessage, ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import { test } from 'node:test'
import { Template } from '../render/template.ts'
import { sendFilledPage } from './send-filled-page.ts'

test('the bytes of a page are no other visitor’s before they have been written', t => {
  const template = new Template('<b nonce="AAAAnonce">BBBBhit</b>', { nonce: 'AAAAnonce', hit: 'BBBBhit' })
  const sent: { bytes: unknown; written: () => void }[] = []
  const send = (hit: string) => {
    const request = new IncomingMessage(new Socket())
    request.headers['accept-encoding'] = 'gzip'
    const response = new ServerResponse(request)
    t.mock.method(response, 'end', (bytes: unknown, written: () => void) => sent.push({ bytes, written }))
    sendFilledPage(request, response, {
      status: 200,
      template,
      values: { nonce: 'q1w2', hit },
      development: false,
    })
  }
  send('101')
  send('102')
  sent[0]?.written()
  send('103')
  const [first, second, third] = sent.map(({ bytes }) => bytes)
  assert.notEqual(first, second)
  assert.equal(first, third)
})
