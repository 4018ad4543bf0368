import { join } from 'node:path'
import { buildIfChanged } from '../tools/launcher/build.ts'
import { type Stack, startStack } from '../tools/launcher/stack/stack.ts'
import { builtReplica, type StackOptions } from '../tools/launcher/stack/stack-options.ts'
import { print } from '../tools/lib/terminal.ts'
import { runBeside } from '../tools/lib/testing/run-beside.ts'
import { temporaryFolder } from '../tools/lib/testing.ts'

// Runs a command beside stacks of its own, made for it and thrown away after it:
//   node e2e/with-stacks.ts playwright test -c e2e
// BASE_URL is a board with three replicas, STACK_FILE says what it is made of; at BRIEF_COOKIE_URL the cookie lives only
// three seconds; STATES_STACK_FILE is of a board with one replica, to bring into states that others must not meet.
// With BASE_URL set already, the command runs against that board, and nothing is started.

await runBeside(process.argv.slice(2), async signal => {
  if (process.env.BASE_URL) return { environment: {}, stop: async () => {} }
  await buildIfChanged(print, signal)
  const folder = await temporaryFolder()
  const stacks: Stack[] = []
  const stop = async () => {
    await Promise.all(stacks.map(stack => stack.stop()))
    await folder.remove()
  }
  const start = async (
    name: string,
    options: Pick<StackOptions, 'replicas' | 'stickySeconds' | 'hungAfterMs'>,
  ) => {
    const dataDir = join(folder.path, name)
    const stack = await startStack({
      ...options,
      dataDir,
      replica: builtReplica(),
      database: { size: 'small' },
      signal,
    })
    stacks.push(stack)
    return { url: stack.url, file: join(dataDir, 'stack.json') }
  }
  try {
    const board = await start('board', { replicas: 3 })
    const brief = await start('brief', { replicas: 2, stickySeconds: 3 })
    // Its server is frozen for as long as it takes to look at every window.
    const states = await start('states', { replicas: 1, hungAfterMs: null })
    const environment = {
      BASE_URL: board.url,
      STACK_FILE: board.file,
      BRIEF_COOKIE_URL: brief.url,
      STATES_STACK_FILE: states.file,
    }
    return { environment, stop }
  } catch (error) {
    await stop()
    throw error
  }
})
