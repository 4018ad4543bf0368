// `npm run drain -- web-2` and `npm run undrain -- web-2`: on the stack that runs on DATA_DIR, else on the one with Docker.
import { DockerFailed } from '../compose/docker-failed.ts'
import { changeDrainInContainer } from '../compose/drain.ts'
import { changeDrain } from '../web/drain/change-drain.ts'
import { type DrainRequest, parseDrainRequest } from '../web/drain/request.ts'
import { dataDirAt } from './data-dir.ts'
import { loadSettings } from './load-settings.ts'
import { saySentences } from './say-sentences.ts'
import { StackFailure } from './stack-failure.ts'
import { readStackFile } from './stack-file.ts'

await saySentences(async () => {
  const { folder, stackFile } = dataDirAt(loadSettings().dataDir)
  const request = parseDrainRequest(process.argv.slice(2))
  const stack = readStackFile(stackFile)
  console.log(stack ? await changeDrain(stack.databaseUrl, request) : await withDocker(request, folder))
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
