// A stub for tests of the stack around the replicas. On SIGTERM it logs whether the database and NGINX still listen.
import { createServer } from 'node:http'
import { connect } from 'node:net'

const { HOST, PORT, SERVER_NAME, DATABASE_URL = '', STUB_FAULT, STUB_NGINX_PORT } = process.env

if (STUB_FAULT === SERVER_NAME) {
  console.error('a fault for a test')
  process.exit(3)
}
const server = createServer((request, response) =>
  response.end(JSON.stringify({ server: SERVER_NAME, client_ip: request.headers['x-real-ip'] })),
)
server.listen(Number(PORT), HOST)
process.on('SIGTERM', async () => {
  const database = await listens(Number(new URL(DATABASE_URL).port))
  const nginx = await listens(Number(STUB_NGINX_PORT))
  console.log(JSON.stringify({ database, nginx }))
  server.close()
  server.closeAllConnections()
})

function listens(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy()
      resolve(true)
    })
    socket.on('error', () => resolve(false))
  })
}
