import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fillTemplate } from '../../../nginx/render.ts'
import { openDataDir } from '../../launcher/stack/data-dir.ts'
import { checkNginx } from '../../launcher/stack/nginx.ts'
import { spawnService } from '../../launcher/stack/supervise.ts'
import type { BrowserAnswer } from '../harness/load.ts'
import type { Entry } from '../harness/rounds.ts'
import type { Testbed } from '../harness/testbed.ts'

/** Starts an NGINX that serves one file: the encoded body of this answer. */
export async function startStaticFile(
  { workspace }: Testbed,
  { response, body }: BrowserAnswer,
): Promise<Entry> {
  const { folder } = await openDataDir(join(workspace.dataDir.folder, 'static_file'))
  const { path } = await checkNginx({})
  const port = await workspace.freePort()
  const template = await readFile(join(import.meta.dirname, 'static-file.conf.template'), 'utf8')
  const config = join(folder, 'nginx.conf')
  const encoding = response.headers['content-encoding'] ?? 'identity'
  await writeFile(config, fillTemplate(template, { FOLDER: folder, PORT: String(port), ENCODING: encoding }))
  await writeFile(join(folder, 'page'), body)

  const service = {
    name: 'static_file',
    program: path,
    // When started as root, the workers' usual account may not be able to enter the folder.
    arguments: [
      '-p',
      folder,
      '-c',
      config,
      '-g',
      `daemon off;${process.getuid?.() === 0 ? ' user root;' : ''}`,
    ],
    cwd: folder,
    environment: process.env,
    log: join(folder, 'output.log'),
    record: workspace.record,
    readyUrl: `http://127.0.0.1:${port}/healthz`,
    readyWithin: 15_000,
    liveness: null,
    endings: [['SIGTERM', 2000]] satisfies [NodeJS.Signals, number][],
  }
  const { pid, stop } = await spawnService(service, workspace.signal)
  workspace.resources.defer(stop)
  return {
    name: 'static_file',
    url: `http://127.0.0.1:${port}`,
    cookies: [],
    servers: [],
    nginx: pid,
    count: null,
  }
}
