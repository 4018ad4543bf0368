import assert from 'node:assert/strict'
import { test } from 'node:test'
import { failureFromLog } from './home.ts'

for (const [line, cause] of [
  [
    "[ERROR] mariadbd: Can't lock aria control file '/d/aria_log_control' for exclusive use, error: 11",
    'another',
  ],
  ['[ERROR] [MY-012574] [InnoDB] Unable to lock ./ibdata1 error: 11', 'another'],
  ['[ERROR] InnoDB: Error number 28 means "No space left on device"', 'the disk is full'],
  [
    '[ERROR] InnoDB: preallocating 100663296 bytes for file ./ib_logfile101 failed with error 28',
    'the disk is full',
  ],
  [
    'mariadbd: Disk full (/d/aria_log.00000001); waiting for someone to free some space...',
    'the disk is full',
  ],
  ["Can't create file '/d/x' (errno: 13 \"Permission denied\")", 'this user has no permission to read'],
  [
    "Can't start server: Bind on TCP/IP port. Got error: 98: Address already in use",
    'another program uses its port',
  ],
  ['[ERROR] something else', 'its log ends with'],
] as const) {
  test(`says "${cause}" of: ${line}`, () => {
    const { message } = failureFromLog('start the database in /d', `started\n${line}\n`)
    assert.match(message, new RegExp(`^cannot start the database in /d: ${cause}`))
    assert(message.endsWith(line))
  })
}
