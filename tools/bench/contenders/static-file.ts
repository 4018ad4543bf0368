import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fillTemplate } from '../../../nginx/render.ts'
import { openDataDir } from '../../launcher/stack/data-dir.ts'
import { checkNginx } from '../../launcher/stack/nginx.ts'
import { spawnService } from '../../launcher/stack/supervise.ts'
import type { BrowserAnswer } from '../harness/load.ts'
import type { Entry } from '../harness/rounds.ts'
import type { Testbed } from '../harness/testbed.ts'

/** NGINX with one file: the body of this answer, as it was on the wire. */
export async function startStaticFile({ site }: Testbed, { response, body }: BrowserAnswer): Promise<Entry> {
  const { folder } = await openDataDir(join(site.dataDir.folder, 'static_file'))
  const { path } = await checkNginx({})
  const port = await site.freePort()
  const template = await readFile(join(import.meta.dirname, 'static-file.conf.template'), 'utf8')
  const config = join(folder, 'nginx.conf')
  const encoding = response.headers['content-encoding'] ?? 'identity'
  await writeFile(config, fillTemplate(template, { FOLDER: folder, PORT: String(port), ENCODING: encoding }))
  await writeFile(join(folder, 'page'), body)

  const part = {
    name: 'static_file',
    program: path,
    // Started as root, the workers would be somebody who may not be able to enter the folder.
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
    record: site.record,
    readyUrl: `http://127.0.0.1:${port}/healthz`,
    readyWithin: 15_000,
    liveness: null,
    endings: [['SIGTERM', 2000]] satisfies [NodeJS.Signals, number][],
  }
  const { pid, stop } = await spawnService(part, site.signal)
  site.resources.defer(stop)
  return {
    name: 'static_file',
    url: `http://127.0.0.1:${port}`,
    cookies: [],
    servers: [],
    nginx: pid,
    count: null,
  }
}
