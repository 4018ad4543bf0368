import { parseEnvironment } from '../config.ts'
import { changeDrain, parseDrainRequest } from '../lifecycle/control.ts'

// The drain command for places that only have the built replica. It takes a replica's environment: `node drain.mjs
// drain web-2`.

try {
  const request = parseDrainRequest(process.argv.slice(2))
  console.log(await changeDrain(parseEnvironment(process.env).databaseUrl, request))
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
}
