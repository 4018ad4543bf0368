import { startStack } from '../stack/stack.ts'
import type { StackOptions } from '../stack/stack-options.ts'
import { stubReplica } from './stub-program.ts'

/** A stack with a real database and NGINX and two stub replicas, stopped when it goes out of scope. */
export async function startStubStack(options: Partial<StackOptions> & { dataDir: string }) {
  const said: string[] = []
  const stack = await startStack({
    replicas: 2,
    replica: stubReplica(),
    database: { size: 'small' },
    report: (part, text) => said.push(`${part}: ${text}`),
    ...options,
  })
  return { ...stack, said, [Symbol.asyncDispose]: stack.stop }
}
