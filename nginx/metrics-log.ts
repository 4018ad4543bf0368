// Whether NGINX sends a message for each request to the exporter of its log (monitoring/nginx-log-exporter): only while the
// exporter answers. To a port at which nothing listens every second message fails, with two lines in the error log. So this
// module looks, changes the one line of the configuration and makes NGINX reload. The launcher calls it; in containers
// docker-entrypoint.d/50-metrics-log.sh does the same.

import { writeFile } from 'node:fs/promises'
import { get } from 'node:http'
import { findProcess, lookWhileRunning } from '../tools/lib/processes.ts'
import { codeOf } from '../web/server/errors.ts'

/** ms between two looks */
const lookEvery = 2000

/** ms from an end of the exporter until NGINX sends to it again: an exporter that fails repeatedly causes few reloads */
const pauseAfterEnd = 10_000

/** The content of metrics-log.conf. `exporter` is ip:port; null: no messages. */
export const metricsLog = (exporter: string | null) =>
  exporter === null ? '' : `access_log syslog:server=${exporter},nohostname metrics if=$message_weight;`

/** `gone`: nothing listens. `silent`: it does not answer in time; messages are buffered or discarded, and none fails. */
type ExporterState = 'answers' | 'silent' | 'gone'

/** Asks the exporter at ip:port for its health. */
export function findExporter(exporter: string): Promise<ExporterState> {
  return new Promise(resolve => {
    const request = get(`http://${exporter}/health`, { agent: false, timeout: 1000 }, response => {
      response.resume()
      resolve(response.statusCode === 200 ? 'answers' : 'gone')
    })
    request.on('timeout', () => request.destroy())
    request.on('error', error => resolve(codeOf(error) === 'ECONNREFUSED' ? 'gone' : 'silent'))
  })
}

type Sending = {
  /** metrics-log.conf of the running NGINX */
  file: string
  /** ip:port */
  exporter: string
  /** whether the running configuration has the exporter's address */
  sends: boolean
}

/** Makes NGINX send messages to the exporter while it answers, until NGINX's master ends, which has that pid. */
export function followExporter(
  { file, exporter, sends: sendsFirst }: Sending,
  master: number,
  report: (text: string) => void,
): { stop: () => Promise<void> } {
  let sends = sendsFirst
  let notBefore = 0

  async function look(signal: AbortSignal): Promise<void> {
    const state = await findExporter(exporter)
    const wanted = state === 'silent' ? sends : state === 'answers' && performance.now() >= notBefore
    if (wanted === sends || signal.aborted || !findProcess(master)) return
    await writeFile(file, `${metricsLog(wanted ? exporter : null)}\n`)
    process.kill(master, 'SIGHUP')
    sends = wanted
    if (!wanted) notBefore = performance.now() + pauseAfterEnd
    report(wanted ? `sends its log to the exporter at ${exporter}` : 'the exporter of its log has ended')
  }

  // The disk may be full, or NGINX may have just ended: try again next time.
  return lookWhileRunning(master, lookEvery, look, error =>
    report(`cannot change what is sent to the exporter: ${error}`),
  )
}
