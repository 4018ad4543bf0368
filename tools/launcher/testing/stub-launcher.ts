// Runs a stack like `npm start`, but with stub replicas:  node stub-launcher.ts DATA_DIR

import { print } from '../../lib/terminal.ts'
import { runUntilSignal } from '../command.ts'
import { startStack } from '../stack/stack.ts'
import { stubReplica } from './stub-stack.ts'

const [dataDir = ''] = process.argv.slice(2)
await runUntilSignal(signal =>
  startStack({
    dataDir,
    replicas: 2,
    replica: stubReplica(),
    database: { size: 'small' },
    report: print,
    signal,
  }),
)
