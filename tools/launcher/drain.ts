import { howToChooseProject } from '../../deploy/compose/docker.ts'
import { changeDrainInContainer, refuseTheLast, stopDrained } from '../../deploy/compose/drain.ts'
import { ControlRefused } from '../../web/server/errors.ts'
import { changeDrain, parseDrainRequest } from '../../web/server/lifecycle/control.ts'
import { abortOnSignals, saySentences } from '../lib/terminal.ts'
import { onRunningStack } from './command.ts'

// `npm run drain -- web-2` and `npm run undrain -- web-2`, for the stack on DATA_DIR or else the stack with Docker. With Docker
// `npm run drain -- web-2 --stop` also stops the server once it has no visitors.

await saySentences(async () => {
  const words = process.argv.slice(2)
  const unknown = words.find(word => word.startsWith('-') && word !== '--stop')
  if (unknown) throw new ControlRefused(`unknown option: ${unknown}. ${howToChooseProject} drain -- web-2`)
  const request = parseDrainRequest(words.filter(word => word !== '--stop'))
  const stops = words.includes('--stop')
  if (stops && request.change === 'undrain') throw new ControlRefused('use --stop only with npm run drain')
  const outcome = await onRunningStack({
    async local({ databaseUrl }) {
      if (stops)
        throw new ControlRefused(
          'use --stop only with Docker: without Docker a stopped server is started again',
        )
      return changeDrain(databaseUrl, request)
    },
    async withDocker() {
      if (stops) await refuseTheLast(request.name)
      return changeDrainInContainer(request)
    },
  })
  console.log(outcome)
  if (stops)
    console.log(
      await stopDrained(
        request.name,
        console.log,
        abortOnSignals(() => {}),
      ),
    )
})
