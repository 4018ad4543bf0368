import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { mostConnections } from '../../tools/lib/database-accounts.ts'
import { replicasThatFit } from '../../web/server/db/servers.ts'
import { rollWarning } from './database.ts'

const read = (file: string) => readFileSync(join(import.meta.dirname, '..', '..', file), 'utf8')
const connections = Number(/--max-connections=(\d+)/.exec(read('docker-compose.yml'))?.[1])

test('the accounts together leave five connections of MySQL for the health check and root', () => {
  const { board, board_replica } = mostConnections
  assert.equal(board + board_replica + 5, connections)
})

test('a roll, a replica and the documents say the same of how many replicas the database has room for', () => {
  const room = replicasThatFit({ connections, accountConnections: mostConnections.board_replica })
  const inRoll = Math.floor(room / 2)
  assert.equal(rollWarning(inRoll), null)
  assert.match(
    rollWarning(inRoll + 1) ?? '',
    new RegExp(`^17 old and 17 new replicas are more than the ${room} .* A roll of ${inRoll} fits$`),
  )
  for (const file of ['README.md', 'docs/database.md'])
    assert.match(read(file), new RegExp(`\\b${room}\\s+replicas, or ${inRoll} while`), file)
})
