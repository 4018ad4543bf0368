// `npm run drain -- web-2` and `npm run undrain -- web-2`: on the stack that runs on DATA_DIR, else on the one with Docker.
// There `npm run drain -- web-2 --stop` also stops it, once its visitors have stayed away.
import { DockerFailed } from '../compose/docker-failed.ts'
import { changeDrainInContainer, stopDrained } from '../compose/drain.ts'
import { changeDrain } from '../web/drain/change-drain.ts'
import { DrainRefused } from '../web/drain/refused.ts'
import { type DrainRequest, parseDrainRequest } from '../web/drain/request.ts'
import { dataDirAt } from './data-dir.ts'
import { loadDataDir } from './load-settings.ts'
import { saySentences } from './say-sentences.ts'
import { StackFailure } from './stack-failure.ts'
import { readStackFile } from './stack-file.ts'

await saySentences(async () => {
  const { folder, stackFile } = dataDirAt(loadDataDir())
  const words = process.argv.slice(2)
  const request = parseDrainRequest(words.filter(word => word !== '--stop'))
  const stops = words.includes('--stop')
  if (stops && request.change === 'undrain') throw new DrainRefused('--stop is for npm run drain')
  const stack = readStackFile(stackFile)
  if (stack && stops)
    throw new DrainRefused('--stop is for the stack with Docker: here a server that ends is started again')
  console.log(stack ? await changeDrain(stack.databaseUrl, request) : await withDocker(request, folder))
  if (stops) console.log(await stopWithDocker(request.name))
})

async function withDocker(request: DrainRequest, folder: string): Promise<string> {
  try {
    return await changeDrainInContainer(request)
  } catch (error) {
    if (!(error instanceof DockerFailed)) throw error
    throw new StackFailure(
      `no board is running on ${folder}, and none with Docker: ${error.message.split('\n')[0]}`,
    )
  }
}

async function stopWithDocker(name: string): Promise<string> {
  const told = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => told.abort())
  try {
    return await stopDrained(name, console.log, told.signal)
  } catch (error) {
    throw error instanceof DockerFailed ? new StackFailure(error.message) : error
  }
}
