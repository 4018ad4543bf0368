// What `npm start` runs, with stub replicas:  node stub-launcher.ts DATA_DIR

import { print } from '../../lib/terminal.ts'
import { runUntilTold } from '../command.ts'
import { startStack } from '../stack/stack.ts'
import { stubReplica } from './stub-stack.ts'

const [dataDir = ''] = process.argv.slice(2)
await runUntilTold(signal =>
  startStack({
    dataDir,
    replicas: 2,
    replica: stubReplica(),
    database: { size: 'small' },
    report: print,
    signal,
  }),
)
