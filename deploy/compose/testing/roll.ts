import { spawn } from 'node:child_process'
import { once } from 'node:events'

export type Rolled = { status: number | null; printed: string }

/**
 * `npm run roll`, and what it printed. Another STICKY_SECONDS in `environment` makes another version of the replicas.
 * `onPrinted` is called with all that was printed so far, each time there is more, and may end it.
 */
export async function roll(
  environment: Record<string, string> = {},
  onPrinted: (printed: string, kill: () => void) => void = () => {},
): Promise<Rolled> {
  const command = spawn(process.execPath, [`${import.meta.dirname}/../roll.ts`], {
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let printed = ''
  for (const stream of [command.stdout, command.stderr])
    stream.on('data', text => {
      printed += text
      onPrinted(printed, () => command.kill('SIGKILL'))
    })
  const [status] = await once(command, 'close')
  return { status: typeof status === 'number' ? status : null, printed }
}
