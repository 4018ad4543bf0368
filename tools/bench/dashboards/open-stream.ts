import { createConnection } from 'node:net'
import { changeReader } from './change-reader.ts'

export type StreamEvents = {
  /** a change is whole, which tells of the count up to `counter` */
  onChange: (counter: number) => void
  onClose: () => void
}

/**
 * Opens a dashboard's stream, compressed as browsers have it; by HTTP/1.0, in which it is not chunked. Resolves when its
 * answer begins.
 */
export function openStream(url: URL, { onChange, onClose }: StreamEvents): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const socket = createConnection({ host: url.hostname, port: Number(url.port) })
  const headers = `Host: ${url.host}\r\nAccept: text/event-stream\r\nAccept-Encoding: gzip, deflate\r\n`
  socket.write(`GET /api/live HTTP/1.0\r\n${headers}\r\n`)
  const read = changeReader()
  socket.once('data', (piece: Buffer) => {
    const status = piece.toString('latin1', 0, 12)
    if (status === 'HTTP/1.1 200') resolve()
    else reject(new Error(`a stream was answered ${status}`))
  })
  socket.on('data', (piece: Buffer) => {
    for (const counter of read(piece)) onChange(counter)
  })
  socket.on('error', reject)
  socket.on('close', () => {
    reject(new Error('the stream was closed before it began'))
    onClose()
  })
  return promise
}
