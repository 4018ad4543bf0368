import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { eventually } from '../../lib/eventually.ts'
import { readStackFile, type StackFile } from '../stack/stack-file.ts'

export type Launched = { pid: number; file: StackFile; output: () => string; exited: Promise<unknown[]> }

/** Runs stub-launcher.ts as a process of its own, as a terminal would, and waits until its stack runs. */
export function launch(dataDir: string): Promise<Launched> {
  return run([join(import.meta.dirname, 'stub-launcher.ts'), dataDir], process.env, dataDir)
}

/** The same with what `npm run dev` runs: the real replica from its sources, with NGINX on `httpPort`. */
export function launchDevelopment(dataDir: string, httpPort: number): Promise<Launched> {
  const environment = {
    ...process.env,
    DATA_DIR: dataDir,
    HTTP_HOST: '127.0.0.1',
    HTTP_PORT: String(httpPort),
  }
  return run([join(import.meta.dirname, '../dev.ts')], environment, dataDir)
}

async function run(program: string[], env: NodeJS.ProcessEnv, dataDir: string): Promise<Launched> {
  const child = spawn(process.execPath, program, { env, stdio: ['ignore', 'pipe', 'pipe'], detached: true })
  const said: string[] = []
  for (const stream of [child.stdout, child.stderr]) stream.on('data', chunk => said.push(String(chunk)))
  const exited = once(child, 'exit')
  await once(child, 'spawn')
  const output = () => said.join('')
  const file = await eventually(() => {
    if (child.exitCode !== null) throw new Error(`the launcher ended: ${output()}`)
    return readStackFile(join(dataDir, 'stack.json'))
  })
  return { pid: child.pid ?? 0, file, output, exited }
}
