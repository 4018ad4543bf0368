// Runs a command beside a network of namespaces and a board that its machines can reach; both are removed afterwards, with every
// process in the namespaces:
//   node deploy/keepalived/testing/with-network.ts node --test 'deploy/keepalived/*.integration.test.ts'
// FAILOVER_NETWORK and FAILOVER_STACK say where they are. Without the rights to create namespaces it fails, and says so.

import { buildIfChanged } from '../../../tools/launcher/build.ts'
import { startStack } from '../../../tools/launcher/stack/stack.ts'
import { builtReplica } from '../../../tools/launcher/stack/stack-options.ts'
import { print } from '../../../tools/lib/terminal.ts'
import { runBeside, temporaryFolder } from '../../../tools/lib/testing.ts'
import { reasonOf, UserError } from '../../../web/server/errors.ts'
import { createNetwork, removeNetwork } from './network.ts'

await runBeside(process.argv.slice(2), async signal => {
  await using resources = new AsyncDisposableStack()
  const network = await createNetwork().catch(error => {
    throw new UserError(
      `this test makes network namespaces, which takes root and iproute2: ${reasonOf(error)}`,
    )
  })
  resources.defer(() => removeNetwork(network))
  await buildIfChanged(print, signal)
  const folder = resources.use(await temporaryFolder())
  const stack = await startStack({
    replicas: 2,
    replica: builtReplica(process.env),
    dataDir: folder.path,
    database: { size: 'small' },
    // The machines reach the servers at this side of the network, and the cookie is made of the address that NGINX knows.
    replicaVariables: async ({ port }) => ({
      HOST: '0.0.0.0',
      SERVER_ADDRESS: `${network.address}:${port}`,
    }),
    signal,
  })
  resources.defer(stack.stop)
  const kept = resources.move()
  return {
    environment: { FAILOVER_NETWORK: JSON.stringify(network), FAILOVER_STACK: JSON.stringify(stack.file()) },
    stop: () => kept.disposeAsync(),
  }
})
