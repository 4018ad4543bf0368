import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Ground } from '../harness/ground.ts'
import type { Entrant } from './contender.ts'
import { type PageSample, serialiseSample } from './page-sample.ts'

/** A bare server that makes the board's transaction and answers with this sample of its page. */
export async function limitOf(ground: Ground, sample: PageSample): Promise<Entrant> {
  const file = join(ground.site.dataDir.folder, 'page-sample.json')
  await writeFile(file, serialiseSample(sample))
  return {
    name: 'limit',
    program: {
      command: process.execPath,
      arguments: [join(import.meta.dirname, 'limit-server.ts')],
      cwd: ground.site.dataDir.folder,
      environment: { ...process.env, NODE_ENV: 'production', PAGE_SAMPLE: file },
      readyWithin: 30_000,
    },
    tables: 'board',
  }
}
